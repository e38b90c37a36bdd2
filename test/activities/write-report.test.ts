import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createWriteReport } from '../../src/activities/write-report.ts';
import type { BatchOutcome, Pause, ReportRequest } from '../../src/contract.ts';
import { BatchStore } from '../../src/store/batch-store.ts';
import { manifestOf } from '../report/support/report-fixtures.ts';
import { makeBatch } from '../store/support/batches.ts';
import { answer, settled, usage } from '../store/support/records.ts';
import { mockActivity, toldTemporal } from './support/prompt-desk.ts';

const pause: Pause = { reason: 'operator', message: 'm', since: '2026-01-01T00:00:00.000Z' };
const runs = [{ run: 1, started_at: '2026-01-01T00:00:00.000Z', limits: manifestOf(1).limits }];
const request: ReportRequest = {
  batchId: 'b',
  run: 1,
  state: 'cancelled',
  endedAt: '2026-01-01T00:00:30.000Z',
};
const items = [
  { prompt_id: 'done', prompt: 'x', completions: 1 },
  { prompt_id: 'open', prompt: 'x' },
];

test('the report is written, and the manifest says how the run ended', async (t) => {
  const store = await makeBatch(t, items, { runs, pause });
  const { writer } = await store.openShard(0);
  await writer.append(answer('a'), { durable: true });
  await writer.append(settled('e', { answers: ['a'] }), { durable: true });
  const writeReport = createWriteReport({ store });
  const outcome = (await mockActivity().run(writeReport, request)) as BatchOutcome;
  assert.deepEqual(
    [outcome.state, outcome.durationSeconds, outcome.paid],
    ['cancelled', 30, { usage, costNanoUsd: 7 }],
  );
  assert.deepEqual(outcome.counts, {
    total: 2,
    pending: 0,
    running: 0,
    succeeded: 1,
    failed: 0,
    notRun: 1,
  });
  const { results } = JSON.parse(await readFile(outcome.resultsFile, 'utf8')) as {
    results: { status: string }[];
  };
  assert.deepEqual(
    results.map(({ status }) => status),
    ['succeeded', 'not_run'],
  );

  const manifest = await new BatchStore(store.location, store.batchId, 'w').readManifest();
  assert.equal(manifest.pause, null);
  assert.deepEqual(manifest.runs, [{ ...runs[0], ended_at: request.endedAt, outcome }]);

  // An attempt that was lost after its work was done: no second pair of files.
  const files = await readdir(store.location.outputDir);
  assert.deepEqual(await mockActivity(2).run(writeReport, request), outcome);
  assert.deepEqual(await readdir(store.location.outputDir), files);
});

test('a ledger that cannot be read is a failure of the storage, and the run stays open', async (t) => {
  const store = await makeBatch(t, items, { runs });
  const { writer } = await store.openShard(0);
  await writer.append(answer('a'), { durable: true });
  const foreign = join(store.folder, 'ledger', '00000', 'foreign.jsonl');
  await writeFile(foreign, 'hello\nhello\n');
  await assert.rejects(mockActivity().run(createWriteReport({ store }), request), (error) => {
    const told = toldTemporal(error);
    assert.deepEqual([told.type, told.nonRetryable], ['Storage.Failed', true]);
    return true;
  });
  assert.deepEqual((await store.readManifest()).runs, runs);
  await rm(foreign);
  const outcome = (await mockActivity(2).run(createWriteReport({ store }), request)) as BatchOutcome;
  assert.equal(outcome.counts.notRun, 2);
});
