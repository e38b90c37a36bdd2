import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PromptItem } from '../../../src/core/prompt.ts';
import { outcomesOf } from '../../../src/store/ledger/batch-reading.ts';
import type { BatchStore } from '../../../src/store/batch-store.ts';
import type { PromptOutcome } from '../../../src/store/ledger/outcome.ts';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import { counted, emptyTally, totalPaid } from '../../../src/report/tally/tally.ts';
import { makeBatch } from '../support/batches.ts';
import { answer, settled, start, usage } from '../support/records.ts';

const items: PromptItem[] = [
  { prompt_id: 'done', prompt: 'x' },
  { prompt_id: 'failed', prompt: 'x' },
  { prompt_id: 'half', prompt: 'x' },
  { prompt_id: 'more', prompt: 'x', completions: 3 },
];

async function record(store: BatchStore, shard: number, ...records: LedgerRecord[]): Promise<void> {
  const { writer } = await store.openShard(shard);
  for (const one of records) await writer.append(one, { durable: true });
}

async function collect(store: BatchStore, closed: boolean): Promise<PromptOutcome[]> {
  const outcomes: PromptOutcome[] = [];
  for await (const outcome of outcomesOf(store, closed)) outcomes.push(outcome);
  return outcomes;
}

async function madeUp(t: Parameters<typeof makeBatch>[0]): Promise<BatchStore> {
  const store = await makeBatch(t, items, { shardSize: 3 });
  const both = [
    { sample: 1, text: 'one', finishReason: 'stop' },
    { sample: 2, text: 'two', reasoning: 'why', finishReason: 'length' },
  ];
  const error = { type: 'Completion.Rejected', message: 'no', attempts: 1 } as const;
  await record(
    store,
    0,
    start('s1', { samples: [1, 2] }),
    answer('a1', { start: 's1', choices: both }),
    start('s1b', { attempt: 2, samples: [1, 2], at: '2026-01-01T00:00:09.000Z' }),
    answer('a1b', { start: 's1b', attempt: 2, choices: both, at: '2026-01-01T00:00:10.000Z' }),
    settled('e1', { attempt: 2, answers: ['a1b'] }),
    settled('e2', { index: 1, status: 'failed', error }),
    answer('a3', { index: 2, run: 2, at: '2026-01-02T00:00:00.000Z' }),
  );
  return store;
}

test('one pass over the outcomes sums all shards, open prompts and discarded answers included', async (t) => {
  const store = await madeUp(t);
  await record(store, 1, answer('a4', { index: 3, costNanoUsd: 100 }));
  const { settings } = await store.manifest();
  const tally = (await collect(store, false)).reduce(
    (sum, outcome) => counted(sum, outcome, settings.model),
    emptyTally,
  );
  assert.deepEqual([tally.succeeded, tally.failed, tally.pending], [1, 1, 2]);
  assert.equal(totalPaid(tally).costNanoUsd, 121);
  assert.equal(totalPaid(tally).usage.total, 60);
  assert.deepEqual(
    [...tally.lastRecordAt],
    [
      [1, '2026-01-01T00:00:10.000Z'],
      [2, '2026-01-02T00:00:00.000Z'],
    ],
  );
});

test('outcomes hold the texts of the answers that count, and the usage of a response once', async (t) => {
  const [done, failed, half] = await collect(await madeUp(t), true);
  assert.equal(done!.status, 'succeeded');
  assert.deepEqual(done!.paid.costNanoUsd, 14);
  assert.deepEqual(
    done!.completions.map(({ sample, text, reasoning, truncated, usage: used, attempt, at }) => [
      ...[sample, text, reasoning, truncated, used, attempt, at],
    ]),
    [
      [1, 'one', undefined, false, usage, 2, '2026-01-01T00:00:10.000Z'],
      [2, 'two', 'why', true, null, 2, '2026-01-01T00:00:10.000Z'],
    ],
  );
  assert.deepEqual([failed!.status, failed!.error?.message, failed!.completions], ['failed', 'no', []]);
  assert.equal(half!.status, 'not_run');
  assert.deepEqual(
    done!.answers.map(({ id, samples, kept, costNanoUsd }) => [id, samples, kept, costNanoUsd]),
    [
      ['a1', [1, 2], false, 7],
      ['a1b', [1, 2], true, 7],
    ],
  );
  assert.deepEqual([done!.bill.kept.costNanoUsd, done!.bill.discarded.costNanoUsd], [7, 7]);
  assert.deepEqual(
    done!.requests.map(({ recordId }) => recordId),
    ['a1', 'a1b'],
  );
  assert.deepEqual(
    half!.completions.map(({ text }) => text),
    ['text of a3'],
  );
});

test('an open prompt of an open batch is pending', async (t) => {
  assert.deepEqual(
    (await collect(await madeUp(t), false)).map(({ status }) => status),
    ['succeeded', 'failed', 'pending', 'pending'],
  );
});
