import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Paid, Receipt } from '../../src/contract.ts';
import {
  countsOf,
  newTally,
  rateOf,
  seeded,
  settled,
  type Tally,
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
const failed = (message: string): Receipt => ({
  status: 'failed',
  answers: [],
  paid: paid(1, 1),
  spentNanoUsd: 7,
  latencyMs: 1,
  error: { type: 'Completion.Rejected', message, attempts: 1 },
});
const fold = (receipts: Receipt[], from: Tally = newTally(20)): Tally =>
  receipts.reduce((tally, receipt, at) => settled(tally, `prompt_${at}`, receipt, at * 1000), from);

test('counts what settled, with what was paid for failures too', () => {
  const tally = fold([succeeded, failed('no'), succeeded]);
  assert.deepEqual([tally.succeeded, tally.failed, tally.paid], [2, 1, paid(31, 15)]);
});

test('a cost that is not known makes the sum unknown', () => {
  const tally = fold([succeeded, { ...succeeded, paid: paid(15, null) }, succeeded]);
  assert.equal(tally.paid.costNanoUsd, null);
  assert.equal(tally.paid.usage.total, 45);
});

test('takes in what earlier runs settled', () => {
  const tally = seeded(fold([succeeded]), { succeeded: 3, failed: 2, paid: paid(100, 50), spentNanoUsd: 7 });
  assert.deepEqual([tally.succeeded, tally.failed, tally.paid], [4, 2, paid(115, 57)]);
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
  const tally = fold(['a', 'b', 'c', 'd', 'e', 'f'].map(failed));
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

test('the rate is that of the last fifty', () => {
  let tally = newTally(200);
  for (let n = 0; n < 100; n++)
    tally = settled(tally, 'p', succeeded, n < 50 ? n * 10_000 : 500_000 + n * 100);
  assert.equal(rateOf(tally), 10);
  assert.equal(rateOf(fold([succeeded])), 0);
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
    assert.equal(uniformFailure(fold(receipts), 3), expected);
  });
}

test('failures of earlier runs, whose message nobody knows, never make ten uniform ones', () => {
  const before = seeded(newTally(20), { succeeded: 0, failed: 5, paid: paid(1, 1), spentNanoUsd: 7 });
  const tally = fold(
    Array.from({ length: 5 }, () => failed('no')),
    before,
  );
  assert.equal(tally.failed, 10);
  assert.equal(uniformFailure(tally, 10), null);
});

test('any receipts: counts add up, the bill is the sum, what is kept is bounded, nothing is changed', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.string()), { maxLength: 120 }), (outcomes) => {
      const empty = newTally(200);
      Object.freeze(empty.settledAt);
      Object.freeze(empty.lastFailures);
      const tally = outcomes.reduce(
        (sum, message, at) =>
          settled(Object.freeze(sum), 'p', message === null ? succeeded : failed(message), at),
        empty,
      );
      assert.equal(tally.succeeded + tally.failed, outcomes.length);
      const cost = outcomes.reduce((sum, message) => sum + (message === null ? 7 : 1), 0);
      assert.equal(tally.paid.costNanoUsd, cost);
      assert.equal(tally.settledAt.length, Math.min(50, outcomes.length));
      assert.ok(tally.lastFailures.length <= 5);
      const { total, ...counts } = countsOf(tally, 3, false);
      assert.equal(
        Object.values(counts).reduce((sum, count) => sum + count, 0),
        total,
      );
    }),
  );
});
