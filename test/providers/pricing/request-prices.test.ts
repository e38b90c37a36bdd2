import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestPrices } from '../../../src/providers/pricing/request-prices.ts';
import { requestFor, settingsFor } from '../settings.ts';

const at = new Date('2026-11-05T12:00:00Z');
const prices = requestPrices(settingsFor('deepseek', 'https://api.deepseek.com'), { prices: null });

const cases: [title: string, asked: string, answered: string, nanoUsd: number | null][] = [
  ['by the model that answered', 'deepseek-v4-flash', 'deepseek-v4-pro', 660_000],
  ['by the model asked for, where the other has no price', 'deepseek-v4-flash', 'gateway-7b', 150_000],
  ['not at all where neither has one', 'llama-7b', 'gateway-7b', null],
];
for (const [title, asked, answered, nanoUsd] of cases) {
  test(`prices an answer ${title}`, () => {
    const usage = { prompt: 1000, completion: 0, total: 1000, cached: 0, reasoning: 0 };
    const answer = { choices: [], usage, model: answered, requestId: null };
    assert.equal(prices.cost(requestFor('q', { model: asked }), answer, at).costNanoUsd, nanoUsd);
  });
}

test('takes the worst case by the model asked for', () => {
  assert.equal(prices.worstCost(requestFor('q', { model: 'llama-7b' }), at), null);
  assert.ok((prices.worstCost(requestFor('q', { model: 'deepseek-v4-flash' }), at) ?? 0) > 0);
});

test('tells what cached input saved, and the price that was used', () => {
  const usage = { prompt: 1000, completion: 0, total: 1000, cached: 1000, reasoning: 0 };
  const answer = { choices: [], usage, model: 'deepseek-v4-flash', requestId: null };
  const { costNanoUsd, cacheSavingNanoUsd, price } = prices.cost(requestFor('q'), answer, at);
  assert.ok(price?.inputPerMillion && price.cachedPerMillion !== null);
  assert.ok(costNanoUsd !== null && cacheSavingNanoUsd !== null);
  assert.ok(price.cachedPerMillion < price.inputPerMillion);
  assert.equal(costNanoUsd + cacheSavingNanoUsd, 1000 * price.inputPerMillion * 1000);
});

test("the user's own prices win over the table", () => {
  const own = requestPrices(settingsFor('deepseek', 'https://api.deepseek.com'), {
    prices: { inputPerMillion: 1, outputPerMillion: 2, cachedPerMillion: 0.5 },
  });
  const usage = { prompt: 10, completion: 4, total: 14, cached: 6, reasoning: 0 };
  const answer = { choices: [], usage, model: 'deepseek-v4-flash', requestId: null };
  assert.equal(own.cost(requestFor('q'), answer, at).costNanoUsd, 4 * 1000 + 6 * 500 + 4 * 2000);
});
