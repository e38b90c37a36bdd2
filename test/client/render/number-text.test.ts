import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  aboutCostText,
  costText,
  countText,
  percentText,
  plural,
  rateText,
  usdOf,
} from '../../../src/client/render/number-text.ts';
import { successRate } from '../../../src/report/summary.ts';

const costs = [
  [0, '$0.00'],
  [1, '$0.000000001'],
  [12_300, '$0.0000123'],
  [41_234_567, '$0.0412'],
  [1_500_000_000, '$1.5000'],
  [1_234_567_890_000, '$1,234.57'],
  [null, 'cost unknown'],
] as const;
for (const [nano, text] of costs) {
  test(`a cost of ${nano} billionths reads ${text}`, () => {
    assert.equal(costText(nano), text);
  });
}

test('an estimated cost has two digits', () => {
  assert.deepEqual(
    [132_162_074, 12_400_000, 1_000_000, 100_000_000, 1_340_000_000, 12_400_000_000, 1_234_567_890_000].map(
      aboutCostText,
    ),
    ['$0.13', '$0.012', '$0.001', '$0.10', '$1.30', '$12', '$1,200'],
  );
});

test('a cost for programs is exact, and stays unknown where it is unknown', () => {
  assert.equal(usdOf(41_234_567), 0.041234567);
  assert.equal(usdOf(null), null);
});

test('numbers are grouped by threes', () => {
  assert.deepEqual([0, 999, 1000, 182_340, 1_234_567].map(countText), [
    '0',
    '999',
    '1,000',
    '182,340',
    '1,234,567',
  ]);
});

test('a rate has a unit in which it can be read', () => {
  assert.deepEqual([0.085, 1, 14.24, 350.2].map(rateText), [
    '5.1 prompts/min',
    '1.0 prompts/s',
    '14.2 prompts/s',
    '350 prompts/s',
  ]);
});

test('a share never reads 100 % before everything is done', () => {
  assert.equal(percentText(9999, 10_000), '99.9%');
  assert.equal(percentText(10, 10), '100%');
  assert.equal(percentText(0, 0), '0%');
});

test('a success rate has two decimals and is 100 only if all succeeded', () => {
  assert.deepEqual(
    [successRate(2, 3), successRate(99_999, 100_000), successRate(5, 5), successRate(0, 0)],
    [66.67, 99.99, 100, 0],
  );
});

test('nouns are counted', () => {
  assert.equal(plural(1, 'prompt'), '1 prompt');
  assert.equal(plural(1200, 'prompt'), '1,200 prompts');
});
