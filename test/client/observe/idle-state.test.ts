/** What is known of an open batch that nobody answers for: by liveness records, by the ledger, by Temporal alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { idleStateByLedger, idleStateByServer, idleStateOf } from '../../../src/client/observe/idle-state.ts';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import { LAPSE_MS } from '../../../src/core/lapse.ts';
import { makeBatch } from '../../store/support/batches.ts';
import { answer, fault, start } from '../../store/support/records.ts';
import { far, gone, own, type RecordFacts, writeRecords } from '../../store/support/worker-records.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

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

const timedOut = { state: 1, lastFailure: { timeoutFailureInfo: { timeoutType: 4 } } };
const pendingCases: [title: string, pending: object[], state: string][] = [
  ['nothing is pending', [], 'stopped'],
  [
    'prompts wait for a worker, one after a fault',
    [{ state: 1 }, { state: 1, lastFailure: { applicationFailureInfo: { type: 'Completion.Fault' } } }],
    'stopped',
  ],
  ['a killed process of this machine has a prompt', [{ state: 1 }, started(gone)], 'crashed'],
  ['a prompt has missed its heartbeats', [{ state: 1 }, timedOut], 'crashed'],
  ['a process of another machine still has a prompt', [timedOut, started(far)], 'running'],
];
for (const [title, pendingActivities, state] of pendingCases)
  test(`${state} by Temporal alone: ${title}`, () => {
    const workflows = pendingActivities.map((activity) => ({ raw: { pendingActivities: [activity] } }));
    const described = [{ raw: {} }, ...workflows] as unknown as WorkflowExecutionDescription[];
    assert.equal(idleStateByServer(described), state);
  });

function started(lastWorkerIdentity: string): object {
  return { state: 2, lastWorkerIdentity };
}

const second = (n: number): { at: string; run: number } => ({ at: `2026-01-01T00:00:0${n}.000Z`, run: 1 });
const ledgerCases: [title: string, records: LedgerRecord[], state: string][] = [
  ['nothing was sent', [], 'waiting'],
  ['only an earlier run has sent something', [start('s', { run: 0 })], 'waiting'],
  [
    'every request has its end',
    [
      start('s', second(1)),
      fault('f', { ...second(2), start: 's' }),
      start('t', second(3)),
      answer('a', { ...second(4), start: 't' }),
    ],
    'stopped',
  ],
  ['a request has no end', [start('s', second(1))], 'crashed'],
  [
    'a worker that died went before one that has answers to all it sent',
    [
      start('s', { ...second(1), worker: 'v' }),
      start('t', second(3)),
      answer('a', { ...second(4), start: 't' }),
    ],
    'stopped',
  ],
];
for (const [title, records, state] of ledgerCases)
  test(`${state} by the ledger alone: ${title}`, async (t) => {
    const store = await makeBatch(t, [{ prompt_id: 'a', prompt: 'x' }], { runs: [] });
    const { writer } = await store.openShard(0);
    for (const record of records) await writer.append(record, { durable: true });
    assert.equal(await idleStateByLedger(store, 1), state);
  });
