import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { budgetText, createBudget } from '../../src/workflows/budget.ts';

describe('whether one more turn fits', () => {
  const rows: [
    title: string,
    spent: number,
    reserved: number,
    worst: number | null,
    cap: number | null,
    fits: boolean,
  ][] = [
    ['nothing is spent yet', 0, 0, 100, 100, true],
    ['one nano-dollar too many', 0, 0, 101, 100, false],
    ['beside what is spent', 60, 0, 40, 100, true],
    ['beside what is spent, one too many', 60, 0, 41, 100, false],
    ['beside what is reserved', 0, 60, 40, 100, true],
    ['beside what is reserved, one too many', 0, 60, 41, 100, false],
    ['beside both', 30, 30, 41, 100, false],
    ['an unknown price never fits under a cap', 0, 0, null, 100, false],
    ['without a cap everything fits', 1e12, 1e12, 1e12, null, true],
    ['without a cap an unknown price fits', 0, 0, null, null, true],
    ['a cap below what is spent', 200, 0, 0, 100, false],
  ];
  for (const [title, spent, reserved, worst, cap, fits] of rows) {
    test(title, () => {
      const budget = createBudget();
      budget.addBefore(spent);
      budget.reserve(0, reserved);
      assert.equal(budget.fits(worst, cap), fits);
    });
  }
});

describe('what a turn leaves behind when it is settled', () => {
  const rows: [
    title: string,
    before: number,
    turns: [worst: number, spent: number | null][],
    spent: number,
  ][] = [
    ['less than reserved', 0, [[100, 30]], 30],
    ['nothing at all', 0, [[100, 0]], 0],
    ['its whole reservation, if nobody can tell', 0, [[100, null]], 100],
    ['what earlier turns spent is in the sum, not added to it', 20, [[100, 50]], 50],
    ['nobody can tell, after an earlier turn', 20, [[100, null]], 120],
    [
      'a later turn knows better than the guess before it',
      0,
      [
        [100, null],
        [100, 40],
      ],
      40,
    ],
    [
      'two turns that nobody can tell of',
      0,
      [
        [100, null],
        [100, null],
      ],
      200,
    ],
  ];
  for (const [title, before, turns, spent] of rows) {
    test(title, () => {
      const budget = createBudget();
      budget.addBefore(before);
      budget.open(7, before);
      for (const [worst, end] of turns) {
        budget.reserve(7, worst);
        assert.equal(budget.reservedNanoUsd, worst);
        budget.settle(7, end);
      }
      assert.deepEqual([budget.spentNanoUsd, budget.reservedNanoUsd], [spent, 0]);
    });
  }
});

test('whatever is taken up as long as it fits, and costs at most its worst case, stays under the cap', () => {
  const share = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null });
  const prompt = fc.record({ worst: fc.integer({ min: 0, max: 1000 }), share, settlesNow: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.array(prompt, { maxLength: 40 }), (cap, prompts) => {
      const budget = createBudget();
      const inProgress: { index: number; spent: number | null }[] = [];
      for (const [index, { worst, share: part, settlesNow }] of prompts.entries()) {
        if (budget.fits(worst, cap)) {
          budget.reserve(index, worst);
          inProgress.push({ index, spent: part === null ? null : Math.floor(worst * part) });
        }
        const next = settlesNow ? inProgress.shift() : undefined;
        if (next) budget.settle(next.index, next.spent);
        assert.ok(budget.spentNanoUsd + budget.reservedNanoUsd <= cap);
      }
      for (const { index, spent } of inProgress) budget.settle(index, spent);
      assert.equal(budget.reservedNanoUsd, 0);
      assert.ok(budget.spentNanoUsd <= cap);
    }),
  );
});

test('why the next prompt may not start: in dollars, however small', () => {
  assert.equal(
    budgetText(4_990_000_000, 5_000_000_000, 12_300_000),
    'the cost cap of $5.00 is reached: $4.99 are spent or possibly spent, and the next prompt may cost up to $0.0123',
  );
  assert.match(budgetText(4_990_000_000, 5_000_000_000, null), /no price for the next prompt/);
});
