import assert from 'node:assert/strict';
import test from 'node:test';
import { billed, billWarning, emptyBill, toReportBill } from '../../../src/store/digests/bill-tally.ts';
import type { PossiblyPaid, PromptBill } from '../../../src/store/ledger/bill.ts';
import type { BoughtAnswer } from '../../../src/store/ledger/outcome.ts';
import { boughtOf, noBill, usageOf } from '../../report/support/report-fixtures.ts';

const bought = (costNanoUsd: number | null, kept = true): BoughtAnswer =>
  boughtOf('a', { usage: usageOf(10, 5, { reasoning: 2 }), costNanoUsd }, { kept });

const lost = (worstCostNanoUsd: number | null): PossiblyPaid => ({
  id: 's1',
  at: '2026-03-04T05:06:00.000Z',
  run: 1,
  turn: 1,
  attempt: 1,
  samples: [1],
  worstCostNanoUsd,
  why: 'reset',
});

const tallyOf = (...prompts: [Partial<PromptBill>, BoughtAnswer[]][]) =>
  prompts.reduce((tally, [bill, answers]) => billed(tally, { ...noBill, ...bill }, answers), emptyBill);

test('adds up by what became of the money, exactly', () => {
  const tally = tallyOf(
    [
      { possiblyPaid: [lost(300), lost(50)], cacheSavingNanoUsd: 9 },
      [bought(1_000_000_001), bought(20, false)],
    ],
    [{ reused: 3 }, [bought(5)]],
  );
  assert.deepEqual(toReportBill(tally), {
    paid_and_kept: 1.000000006,
    paid_and_discarded: 0.00000002,
    possibly_paid: { requests: 2, worst_case_cost: 0.00000035 },
    cached_input_savings: 0.000000009,
    reasoning_tokens: 6,
    reused_completions: 3,
  });
  assert.equal(billWarning(tally), null);
});

test('stays exact past the integers a double can hold', () => {
  const tally = tallyOf(
    ...[1, 2, 3].map(() => [{}, [bought(Number.MAX_SAFE_INTEGER)]] as [object, BoughtAnswer[]]),
  );
  assert.equal(tally.kept.knownNanoUsd, 27_021_597_764_222_973n);
});

test('an unknown price makes its amount null and no other, and the known part is said', () => {
  const tally = tallyOf([
    { possiblyPaid: [lost(null), lost(7)] },
    [bought(null), bought(4), bought(2, false)],
  ]);
  const bill = toReportBill(tally);
  assert.deepEqual(
    [bill.paid_and_kept, bill.paid_and_discarded, bill.possibly_paid],
    [null, 0.000000002, { requests: 2, worst_case_cost: null }],
  );
  assert.equal(
    billWarning(tally),
    'Where the bill has null, this part is known: paid_and_kept of 1 of 2 answers: 0.000000004 USD; possibly_paid of 1 of 2 requests: 0.000000007 USD.',
  );
});
