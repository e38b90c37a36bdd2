import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestPrices } from '../../src/providers/request-prices.ts';
import { requestFor, settingsFor } from './settings.ts';

const at = new Date('2026-10-01T12:00:00Z');
const prices = requestPrices(settingsFor('deepseek', 'https://api.deepseek.com'));

const cases: [title: string, asked: string, answered: string, nanoUsd: number | null][] = [
  ['by the model that answered', 'deepseek-v4-flash', 'deepseek-v4-pro', 660_000],
  ['by the model asked for, where the other has no price', 'deepseek-v4-flash', 'gateway-7b', 220_000],
  ['not at all where neither has one', 'llama-7b', 'gateway-7b', null],
];
for (const [title, asked, answered, nanoUsd] of cases) {
  test(`prices an answer ${title}`, () => {
    const usage = { prompt: 1000, completion: 0, total: 1000, cached: 0, reasoning: 0 };
    const answer = { choices: [], usage, model: answered, requestId: null };
    assert.equal(prices.cost(requestFor('q', { model: asked }), answer, at), nanoUsd);
  });
}

test('takes the worst case by the model asked for', () => {
  assert.equal(prices.worstCost(requestFor('q', { model: 'llama-7b' }), at), null);
  assert.ok((prices.worstCost(requestFor('q', { model: 'deepseek-v4-flash' }), at) ?? 0) > 0);
});
