import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exposedNanoUsd, lendMoney, type MoneyLoan } from '../../src/workflows/lend-money.ts';

const loan = (facts: Partial<MoneyLoan> = {}): MoneyLoan => ({
  slots: 1,
  returnedSlots: 0,
  nanoUsd: 0,
  keepMoneyFor: 'queue',
  returnedNanoUsd: 0,
  spentBeforeNanoUsd: 0,
  spentNanoUsd: 0,
  reservedNanoUsd: 0,
  missingNanoUsd: null,
  isIdle: false,
  isUpToDate: true,
  ...facts,
});
const wanting = (missingNanoUsd: number, facts: Partial<MoneyLoan> = {}): MoneyLoan =>
  loan({ missingNanoUsd, isIdle: true, ...facts });

describe('what a shard may still cost', () => {
  const rows: [title: string, facts: Partial<MoneyLoan>, exposed: number][] = [
    ['what it was lent', { nanoUsd: 100 }, 100],
    ['less what it gave back', { nanoUsd: 100, returnedNanoUsd: 30 }, 70],
    ['spending is part of what it was lent', { nanoUsd: 100, spentNanoUsd: 60, reservedNanoUsd: 20 }, 100],
    ['what was spent before comes on top', { nanoUsd: 100, spentBeforeNanoUsd: 40 }, 140],
    ['without a cap, what it spent and reserved', { nanoUsd: null, spentNanoUsd: 5, reservedNanoUsd: 7 }, 12],
    [
      'under a new cap it may be more than it was lent',
      { nanoUsd: 3, spentNanoUsd: 5, reservedNanoUsd: 7 },
      12,
    ],
  ];
  for (const [title, facts, exposed] of rows)
    test(title, () => assert.equal(exposedNanoUsd(loan(facts)), exposed));
});

test('without a cap nothing is counted, and what was lent under one is not any more', () => {
  const loans = [loan({ nanoUsd: 100, keepMoneyFor: 'nothing' }), wanting(50)];
  assert.equal(lendMoney(loans, 1e12, null), true);
  assert.deepEqual(
    loans.map(({ nanoUsd, keepMoneyFor }) => [nanoUsd, keepMoneyFor]),
    [
      [null, 'queue'],
      [null, 'queue'],
    ],
  );
});

test('a shard that starts gets half of what is free, and the next one half of the rest', () => {
  const loans = [loan({ nanoUsd: null }), loan({ nanoUsd: null })];
  assert.equal(lendMoney(loans, 200, 1000), true);
  assert.deepEqual(
    loans.map(({ nanoUsd }) => nanoUsd),
    [400, 200],
  );
});

test('a shard without slots gets nothing before it has some and asks', () => {
  const loans = [loan({ nanoUsd: null, slots: 0 }), loan({ nanoUsd: null })];
  assert.equal(lendMoney(loans, 200, 1000), true);
  assert.deepEqual(
    loans.map(({ nanoUsd }) => nanoUsd),
    [0, 400],
  );
});

test('under a new cap a running shard keeps what it has spent and reserved', () => {
  const loans = [loan({ nanoUsd: null, spentNanoUsd: 300, reservedNanoUsd: 100 })];
  lendMoney(loans, 0, 1000);
  assert.equal(loans[0]?.nanoUsd, 400 + 300);
});

test('a cap that is set again is not lessened by what was given back under the one before', () => {
  const loans = [loan({ nanoUsd: null, returnedNanoUsd: 500, spentNanoUsd: 300, reservedNanoUsd: 100 })];
  lendMoney(loans, 0, 1000);
  assert.equal(loans[0]!.nanoUsd! - 500, 400 + 300);
});

test('a shard that wants money gets what is missing, and more where more is free', () => {
  const loans = [wanting(50, { nanoUsd: 100, spentNanoUsd: 100 })];
  assert.equal(lendMoney(loans, 0, 1000), true);
  assert.equal(loans[0]?.nanoUsd, 100 + 450);
  const tight = [wanting(50, { nanoUsd: 100, spentNanoUsd: 100 })];
  assert.equal(lendMoney(tight, 0, 150), true);
  assert.equal(tight[0]?.nanoUsd, 150);
});

test('what a shard wants is old news until it has answered the last loan', () => {
  const loans = [wanting(50, { isUpToDate: false })];
  assert.equal(lendMoney(loans, 0, 1000), true);
  assert.equal(loans[0]?.nanoUsd, 0);
});

test('money that lies idle is asked for before the batch is said to be at its cap', () => {
  const rich = loan({ nanoUsd: 100 });
  const poor = wanting(50);
  assert.equal(lendMoney([rich, poor], 0, 120), true);
  assert.deepEqual([rich.keepMoneyFor, poor.keepMoneyFor], ['slots', 'nothing']);
  // Both have answered; the rich one still works, and may have something to spare later.
  assert.equal(lendMoney([rich, poor], 0, 120), true);
  // It has finished and wants more itself, and both have given back what they had.
  Object.assign(rich, { returnedNanoUsd: 0, spentNanoUsd: 100, missingNanoUsd: 40, isIdle: true });
  assert.equal(lendMoney([rich, poor], 0, 120), true, 'it is asked for the last of it first');
  assert.equal(lendMoney([rich, poor], 0, 120), false);
});

test('a shard without slots keeps nobody from seeing that nothing goes on', () => {
  const stuck = wanting(50, { keepMoneyFor: 'nothing' });
  const slotless = loan({ slots: 4, returnedSlots: 4, isIdle: true, keepMoneyFor: 'slots' });
  assert.equal(lendMoney([stuck, slotless], 0, 40), false);
  assert.equal(lendMoney([stuck, { ...slotless, isUpToDate: false }], 0, 40), true, 'it may give some back');
  assert.equal(lendMoney([stuck, { ...slotless, returnedSlots: 3 }], 0, 40), true, 'it is about to start');
  const rich = { ...slotless, nanoUsd: 30 };
  assert.equal(lendMoney([stuck, rich], 0, 40), true, 'it gives that back when it has read what it needs');
  assert.equal(lendMoney([stuck, { ...rich, returnedNanoUsd: 10, spentNanoUsd: 20 }], 0, 40), false);
});

test('a prompt without a price is never lent for, and ends it', () => {
  const loans = [wanting(Number.MAX_SAFE_INTEGER, { keepMoneyFor: 'nothing' })];
  assert.equal(lendMoney(loans, 0, 1_000_000), false);
});

test('a cap below what is lent calls back everything that is not in use', () => {
  const loans = [loan({ nanoUsd: 800, spentNanoUsd: 100 })];
  assert.equal(lendMoney(loans, 0, 500), true);
  assert.equal(loans[0]?.keepMoneyFor, 'nothing');
});

test('a batch whose shards are all done has no use for money', () => {
  assert.equal(lendMoney([], 1000, 500), true);
});
