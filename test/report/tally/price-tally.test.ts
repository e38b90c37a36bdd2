import assert from 'node:assert/strict';
import test from 'node:test';
import { emptyPrices, priced, toUsedPrices } from '../../../src/report/tally/price-tally.ts';
import { boughtOf, usageOf } from '../support/report-fixtures.ts';

const paid = { usage: usageOf(1, 1), costNanoUsd: 1 };
const peak = {
  inputPerMillion: 0.28,
  cachedPerMillion: 0.028,
  outputPerMillion: 0.42,
  source: 'table',
} as const;
const offPeak = { ...peak, inputPerMillion: 0.14 };

test('peak and off-peak are two entries, each with its answers and the time it was used in', () => {
  const answers = [
    boughtOf('a', paid, { price: peak, at: '2026-03-04T15:00:00.000Z' }),
    boughtOf('b', paid, { price: offPeak, at: '2026-03-04T17:00:00.000Z' }),
    boughtOf('c', paid, { price: peak, at: '2026-03-04T14:00:00.000Z' }),
    boughtOf('d', paid, { price: peak, at: '2026-03-04T14:30:00.000Z', kept: false }),
  ];
  const used = toUsedPrices(answers.reduce((tally, answer) => priced(tally, [answer]), emptyPrices));
  const common = {
    model: 'deepseek-v4-flash',
    cached_per_million: 0.028,
    output_per_million: 0.42,
    source: 'table',
  };
  assert.deepEqual(used, [
    {
      ...common,
      input_per_million: 0.28,
      answers: 3,
      first_used: '2026-03-04T14:00:00.000Z',
      last_used: '2026-03-04T15:00:00.000Z',
    },
    {
      ...common,
      input_per_million: 0.14,
      answers: 1,
      first_used: '2026-03-04T17:00:00.000Z',
      last_used: '2026-03-04T17:00:00.000Z',
    },
  ]);
});

test('an unknown price is an entry of its own, without figures', () => {
  const [used] = toUsedPrices(priced(emptyPrices, [boughtOf('a', paid, { price: null, model: 'own' })]));
  assert.deepEqual(
    [used!.model, used!.input_per_million, used!.source, used!.answers],
    ['own', null, null, 1],
  );
});
