import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRecordPause } from '../../src/activities/record-controls.ts';
import type { ControlNote, Pause } from '../../src/core/progress.ts';
import { BatchStore } from '../../src/store/batch-store.ts';
import { manifestOf } from '../report/support/report-fixtures.ts';
import { makeBatch } from '../store/support/batches.ts';
import { mockActivity, toldTemporal } from './support/prompt-desk.ts';

const note = { batchId: 'b', run: 1, pause: null, ended: [] };
const pause: Pause = { reason: 'account', message: 'no balance', since: '2026-01-01T00:00:00.000Z' };

test('a pause, and its end, are noted beside the batch for whoever comes after', async (t) => {
  const store = await makeBatch(t, [{ prompt_id: 'a', prompt: 'a' }]);
  const recordPause = createRecordPause({ store });
  const noted = async () => (await new BatchStore(store.location, store.batchId, 'w').readManifest()).pause;
  await mockActivity().run(recordPause, { ...note, pause });
  assert.deepEqual(await noted(), pause);
  await mockActivity().run(recordPause, note);
  assert.equal(await noted(), null);
});

test('when it began and when it ended is noted with its run; a note that comes late puts nothing back', async (t) => {
  const run = { run: 1, started_at: '2025-12-31T23:00:00.000Z', limits: manifestOf(1).limits };
  const store = await makeBatch(t, [{ prompt_id: 'a', prompt: 'a' }], { runs: [run] });
  const recordPause = createRecordPause({ store });
  const span = { since: pause.since, until: '2026-01-01T08:00:00.000Z' };
  await mockActivity().run(recordPause, { ...note, pause });
  await mockActivity().run(recordPause, { ...note, ended: [span] });
  const resumed = await store.readManifest();
  assert.deepEqual([resumed.pause, resumed.runs[0]?.pauses], [null, [span]]);
  const frozen = new BatchStore(store.location, store.batchId, 'frozen');
  await mockActivity().run(createRecordPause({ store: frozen }), { ...note, pause });
  const { pause: present, runs } = await store.readManifest();
  assert.deepEqual([present, runs[0]?.pauses], [null, [span]]);
});

test('who asked for it is appended to the controls, once, and after a torn line', async (t) => {
  const store = await makeBatch(t, [{ prompt_id: 'a', prompt: 'a' }]);
  const recordPause = createRecordPause({ store });
  const file = join(store.folder, 'controls.jsonl');
  await writeFile(file, '{"torn');
  const control: ControlNote = {
    ...{ id: 'u1', control: 'pause', at: '2026-01-01T00:00:00.000Z', by: 'ann@laptop', reason: 'lunch' },
  };
  for (const each of [control, control, { ...control, id: 'u2' }])
    await mockActivity().run(recordPause, { ...note, pause, control: each });
  const [torn, ...lines] = (await readFile(file, 'utf8')).split('\n');
  assert.equal(torn, '{"torn');
  assert.deepEqual(
    lines.slice(0, -1).map((line) => JSON.parse(line)),
    [control, { ...control, id: 'u2' }],
  );
});

test('a store that is gone is a failure of the storage', async (t) => {
  const store = await makeBatch(t, [{ prompt_id: 'a', prompt: 'a' }]);
  await rm(store.folder, { recursive: true });
  await assert.rejects(mockActivity().run(createRecordPause({ store }), { ...note, pause }), (error) => {
    assert.equal(toldTemporal(error).type, 'Storage.Failed');
    return true;
  });
});
