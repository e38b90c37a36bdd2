import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FailureType, Paid, Receipt } from '../../src/core/receipt.ts';
import type { Tally } from '../../src/core/batch-input.ts';
import {
  countsOf,
  newShardTally,
  newTally,
  seedTally,
  applyReceipt,
  shardTallyOf,
  mergeShardTally,
  uniformFailure,
} from '../../src/workflows/tally.ts';

const paid = (total: number, costNanoUsd: number | null): Paid => ({
  usage: { prompt: total, completion: 0, total, cached: 0, reasoning: 0 },
  costNanoUsd,
});
const succeeded: Receipt = {
  status: 'succeeded',
  answers: ['a'],
  paid: paid(15, 7),
  spentNanoUsd: 7,
  latencyMs: 1,
};
const failed = (message: string, type: FailureType = 'Completion.Rejected'): Receipt => ({
  status: 'failed',
  answers: [],
  paid: paid(1, 1),
  spentNanoUsd: 7,
  latencyMs: 1,
  error: { type, message, attempts: 1 },
});
const fold = (receipts: Receipt[], from: Tally = newTally(20)): Tally =>
  receipts.reduce((tally, receipt, at) => applyReceipt(tally, `prompt_${at}`, receipt, at * 1000), from);

test('counts what settled, with what was paid for failures too', () => {
  const tally = fold([succeeded, failed('no'), succeeded]);
  assert.deepEqual([tally.succeeded, tally.failed, tally.paid], [2, 1, paid(31, 15)]);
  assert.deepEqual(tally.failuresByType, { 'Completion.Rejected': 1 });
});

test('a cost that is not known makes the sum unknown', () => {
  const tally = fold([succeeded, { ...succeeded, paid: paid(15, null) }, succeeded]);
  assert.equal(tally.paid.costNanoUsd, null);
  assert.equal(tally.paid.usage.total, 45);
});

test('takes in what earlier runs settled', () => {
  const tally = seedTally(fold([succeeded, failed('no')]), {
    ...{ succeeded: 3, failed: 2, paid: paid(100, 50) },
    failuresByType: { 'Completion.Rejected': 1, 'Completion.Fault': 1 },
  });
  assert.deepEqual([tally.succeeded, tally.failed, tally.paid], [4, 3, paid(116, 58)]);
  assert.deepEqual(tally.failuresByType, { 'Completion.Rejected': 2, 'Completion.Fault': 1 });
});

test('prompts that are left wait while the batch is open, and are not run once it is closed', () => {
  const tally = fold([succeeded, failed('no')]);
  assert.deepEqual(countsOf(tally, 3, false), {
    total: 20,
    pending: 15,
    running: 3,
    succeeded: 1,
    failed: 1,
    notRun: 0,
  });
  const closed = countsOf(tally, 0, true);
  assert.deepEqual([closed.pending, closed.notRun], [0, 18]);
});

test('keeps the five newest failures, newest first', () => {
  const tally = fold(['a', 'b', 'c', 'd', 'e', 'f'].map((message) => failed(message)));
  assert.deepEqual(
    tally.lastFailures.map(({ promptId, message }) => [promptId, message]),
    [
      ['prompt_5', 'f'],
      ['prompt_4', 'e'],
      ['prompt_3', 'd'],
      ['prompt_2', 'c'],
      ['prompt_1', 'b'],
    ],
  );
});

const uniform: [title: string, receipts: Receipt[], expected: string | null][] = [
  ['three alike', [failed('no'), failed('no'), failed('no')], 'no'],
  ['fewer', [failed('no'), failed('no')], null],
  ['one more', [failed('no'), failed('no'), failed('no'), failed('no')], null],
  ['one that differs', [failed('no'), failed('other'), failed('no')], null],
  ['one that differs, first', [failed('other'), failed('no'), failed('no')], null],
  ['one that succeeded', [succeeded, failed('no'), failed('no'), failed('no')], null],
];
for (const [title, receipts, expected] of uniform) {
  test(`the first three failing, ${title}: ${expected ?? 'nothing uniform'}`, () => {
    assert.equal(uniformFailure(fold(receipts.slice(0, -1)), fold(receipts), 3), expected);
  });
}

test('failures of earlier runs, whose message nobody knows, never make ten uniform ones', () => {
  const before = seedTally(newTally(20), {
    ...{ succeeded: 0, failed: 5, paid: paid(1, 1) },
    failuresByType: { 'Completion.Rejected': 5 },
  });
  const tally = fold(
    Array.from({ length: 5 }, () => failed('no')),
    before,
  );
  assert.equal(tally.failed, 10);
  assert.equal(uniformFailure(before, tally, 10), null);
});

test('any receipts: counts add up, the bill is the sum, what is kept is bounded, nothing is changed', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.string()), { maxLength: 120 }), (outcomes) => {
      const empty = newTally(200);
      Object.freeze(empty.pace);
      Object.freeze(empty.lastFailures);
      const tally = outcomes.reduce(
        (sum, message, at) =>
          applyReceipt(Object.freeze(sum), 'p', message === null ? succeeded : failed(message), at),
        empty,
      );
      assert.equal(tally.succeeded + tally.failed, outcomes.length);
      const cost = outcomes.reduce((sum, message) => sum + (message === null ? 7 : 1), 0);
      assert.equal(tally.paid.costNanoUsd, cost);
      assert.ok(tally.pace.length <= 50);
      assert.ok(tally.lastFailures.length <= 5);
      const { total, ...counts } = countsOf(tally, 3, false);
      assert.equal(
        Object.values(counts).reduce((sum, count) => sum + count, 0),
        total,
      );
    }),
  );
});

test('accounts of shards add up to what their prompts would have, in whatever steps they come', () => {
  const outcome = fc.record({
    shard: fc.integer({ min: 0, max: 2 }),
    message: fc.option(fc.string()),
    type: fc.constantFrom<FailureType>('Completion.Rejected', 'Completion.Fault', 'Completion.Empty'),
    tells: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 60 }), (outcomes) => {
      let whole = newTally(200);
      let told = newTally(200);
      const shards = [newTally(100), newTally(100), newTally(100)];
      const accounts = [newShardTally(), newShardTally(), newShardTally()];
      const tell = (shard: number): void => {
        const now = shardTallyOf(shards[shard]!);
        told = mergeShardTally(told, accounts[shard]!, now, 0);
        accounts[shard] = now;
      };
      for (const { shard, message, type, tells } of outcomes) {
        const receipt = message === null ? succeeded : failed(message, type);
        whole = applyReceipt(whole, 'p', receipt, 0);
        shards[shard] = applyReceipt(shards[shard]!, 'p', receipt, 0);
        if (tells) tell(shard);
      }
      [0, 1, 2].forEach(tell);
      assert.deepEqual(
        [told.succeeded, told.failed, told.paid, told.sameFailure, told.failuresByType],
        [whole.succeeded, whole.failed, whole.paid, whole.sameFailure, whole.failuresByType],
      );
      assert.equal(told.lastFailures.length, Math.min(5, whole.failed));
    }),
  );
});

test('ten uniform failures are seen also where they come in several at a time', () => {
  const before = fold(Array.from({ length: 8 }, () => failed('no')));
  const now = mergeShardTally(
    before,
    newShardTally(),
    shardTallyOf(fold([failed('no'), failed('no'), failed('no')])),
    0,
  );
  assert.equal(uniformFailure(before, now, 10), 'no');
});
