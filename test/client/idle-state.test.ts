/** What the liveness records say of an open batch that nobody answers for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idleStateOf } from '../../src/client/idle-state.ts';
import { LAPSE_MS } from '../../src/workflows/policies.ts';
import { far, gone, own, type RecordFacts, writeRecords } from '../store/support/worker-records.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const cases: [title: string, records: RecordFacts[], state: string][] = [
  ['no worker has come', [], 'waiting'],
  [
    'only workers of earlier runs',
    [
      { worker: far, run: 1 },
      { worker: own, run: 1, left: true },
    ],
    'waiting',
  ],
  ['one that has left in good order', [{ worker: own, left: true }], 'stopped'],
  ['one whose process is gone', [{ worker: gone }], 'crashed'],
  ['one of another machine that is not renewed', [{ worker: far, ageMs: LAPSE_MS + 1000 }], 'crashed'],
  ['one of this machine that is frozen', [{ worker: own, ageMs: LAPSE_MS + 1000 }], 'crashed'],
  ['one that is renewed', [{ worker: own }], 'running'],
  ['one of another machine that is renewed', [{ worker: far }], 'running'],
  ['a killed one, and another that goes on', [{ worker: gone }, { worker: far }], 'running'],
  [
    'a killed one, and another that left later',
    [
      { worker: gone, ageMs: 5000 },
      { worker: far, left: true },
    ],
    'stopped',
  ],
  [
    'one that left, and another that was killed later',
    [{ worker: far, left: true, ageMs: 5000 }, { worker: gone }],
    'crashed',
  ],
];
for (const [title, records, state] of cases) {
  test(`${state}: ${title}`, async (t) => {
    const batchFolder = await temporaryFolder(t);
    await writeRecords(batchFolder, records);
    assert.equal(await idleStateOf({ batchFolder, run: 2, now: Date.now() }), state);
  });
}

test('a batch that an older version started has no records, and they say nothing of it', async (t) => {
  const batchFolder = await temporaryFolder(t);
  assert.equal(await idleStateOf({ batchFolder, run: 1, now: Date.now() }), null);
});
