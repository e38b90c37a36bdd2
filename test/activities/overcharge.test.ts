import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overchargeOf } from '../../src/activities/overcharge.ts';
import type { AnswerMeta } from '../../src/store/ledger/prompt-history.ts';
import type { StartRecord } from '../../src/store/ledger/records.ts';

const history = (turn: number, costNanoUsd: number | null, worstCostNanoUsd: number | null) => ({
  starts: [{ id: 's', run: 1, turn, worstCostNanoUsd } as StartRecord],
  answers: [{ start: 's', run: 1, turn, costNanoUsd } as AnswerMeta],
});

test('an answer above the worst case of its request is found in the ledger, whichever attempt asks', () => {
  assert.match(
    overchargeOf(history(1, 2_000_000, 1_000_000), { run: 1, turn: 1 }) ?? '',
    /^An answer cost 0\.002 USD, although its request could cost 0\.001 USD at most/,
  );
});

for (const [title, costNanoUsd, worstCostNanoUsd] of [
  ['an answer at its worst case', 1000, 1000],
  ['an answer of unknown cost', null, 1000],
  ['a request of unknown worst case', 1000, null],
] as const) {
  test(`${title} is no overcharge`, () => {
    assert.equal(overchargeOf(history(1, costNanoUsd, worstCostNanoUsd), { run: 1, turn: 1 }), null);
  });
}

test('an overcharge of an earlier turn does not pause the batch again', () => {
  assert.equal(overchargeOf(history(1, 2000, 1000), { run: 1, turn: 2 }), null);
  assert.equal(overchargeOf(history(1, 2000, 1000), { run: 2, turn: 1 }), null);
});
