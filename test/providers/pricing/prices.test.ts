import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Usage } from '../../../src/core/receipt.ts';
import {
  costNanoUsd,
  type PriceKey,
  priceOf,
  worstCostNanoUsd,
} from '../../../src/providers/pricing/prices.ts';
import { mostPromptTokens } from '../../../src/providers/pricing/prompt-tokens.ts';

const flash: PriceKey = {
  provider: 'deepseek',
  baseUrl: 'https://api.deepseek.com',
  model: 'deepseek-v4-flash',
};
const luna: PriceKey = { provider: 'openai', baseUrl: 'https://api.openai.com/v1', model: 'gpt-6-luna' };
const own = { inputPerMillion: 1, outputPerMillion: 2, cachedPerMillion: 0.1 };
/** A Thursday. */
const offPeak = new Date('2026-11-05T12:00:00Z');
const peak = new Date('2026-11-05T02:00:00Z');

const used = (prompt: number, completion: number, cached = 0): Usage => ({
  prompt,
  completion,
  total: prompt + completion,
  cached,
  reasoning: 0,
});

const MILLION = 1_000_000;
const usd = (amount: number): number => Math.round(amount * 1e9);

const costs: [title: string, key: PriceKey, usage: Usage | null, at: Date, nanoUsd: number | null][] = [
  ['DeepSeek off-peak', flash, used(MILLION, MILLION), offPeak, usd(0.15 + 0.6)],
  ['DeepSeek at a peak hour', flash, used(MILLION, MILLION), peak, usd(0.3 + 1.2)],
  ['at the first moment of a peak', flash, used(MILLION, 0), new Date('2026-11-05T06:00:00Z'), usd(0.3)],
  ['at the first moment after it', flash, used(MILLION, 0), new Date('2026-11-05T10:00:00Z'), usd(0.15)],
  ['cached input', flash, used(MILLION, 0, MILLION), offPeak, usd(0.003)],
  ['cached in part', flash, used(1000, 100, 400), offPeak, 600 * 150 + 400 * 3 + 100 * 600],
  [
    'a dated model of the family',
    { ...flash, model: 'deepseek-v4-flash-0731' },
    used(1000, 0),
    offPeak,
    150_000,
  ],
  ['OpenAI', luna, used(1000, 1000), offPeak, 100_000 + 500_000],
  ['OpenAI, a long prompt', luna, used(300_000, 0), offPeak, usd(0.06)],
  [
    'a gateway to a named provider',
    { ...flash, baseUrl: 'http://127.0.0.1:4000/v1' },
    used(1000, 0),
    offPeak,
    150_000,
  ],
  [
    'a compatible address the table knows',
    {
      provider: 'openai-compatible',
      baseUrl: 'https://openrouter.ai/api/v1',
      model: 'deepseek/deepseek-v4-flash',
    },
    used(0, 0),
    offPeak,
    0,
  ],
  [
    'a compatible address it does not know',
    { ...luna, provider: 'openai-compatible', baseUrl: 'http://127.0.0.1:8000/v1' },
    used(1000, 1000),
    offPeak,
    null,
  ],
  [
    'an address that only begins like a known one',
    { ...luna, provider: 'openai-compatible', baseUrl: 'https://api.openai.com.example.org/v1' },
    used(1000, 1000),
    offPeak,
    null,
  ],
  [
    "a known address as somebody's password",
    { ...luna, provider: 'openai-compatible', baseUrl: 'https://api.openai.com@example.org/v1' },
    used(1000, 1000),
    offPeak,
    null,
  ],
  ['an unknown model', { ...flash, model: 'llama-7b' }, used(1000, 1000), offPeak, null],
  ['no usage', flash, null, offPeak, null],
  ['simulated', { provider: 'simulated', baseUrl: '', model: 'simulated' }, used(1000, 1000), offPeak, 0],
  [
    'own prices',
    { ...flash, override: own },
    used(1000, 100, 400),
    peak,
    600 * 1000 + 400 * 100 + 100 * 2000,
  ],
  [
    'own prices without one for cached',
    { ...flash, override: { inputPerMillion: 1, outputPerMillion: 2 } },
    used(1000, 0, 400),
    peak,
    MILLION,
  ],
  [
    'own prices where the table knows nothing',
    { ...luna, provider: 'openai-compatible', baseUrl: 'http://127.0.0.1:8000', override: own },
    used(1000, 0),
    peak,
    MILLION,
  ],
  [
    'own prices of nothing',
    { ...flash, override: { inputPerMillion: 0, outputPerMillion: 0 } },
    used(1000, 1000),
    peak,
    0,
  ],
];
for (const [title, key, usage, at, nanoUsd] of costs) {
  test(`cost: ${title}`, () => {
    assert.equal(costNanoUsd(usage, key, at), nanoUsd);
  });
}

test('tells the price and where it is from', () => {
  assert.deepEqual(priceOf(flash, offPeak), {
    inputPerMillion: 0.15,
    cachedPerMillion: 0.003,
    outputPerMillion: 0.6,
    source: 'table',
  });
  assert.deepEqual(priceOf(luna, offPeak), {
    inputPerMillion: 0.1,
    cachedPerMillion: 0.01,
    outputPerMillion: 0.5,
    source: 'table',
  });
  assert.equal(priceOf({ ...flash, override: own }, offPeak)?.source, 'user');
  assert.equal(priceOf({ ...flash, model: 'llama-7b' }, offPeak), null);
});

test('the worst case takes the dearest hour, whatever the hour', () => {
  const request = { messages: [{ role: 'user' as const, content: 'x' }], maxTokens: 1000, n: 2 };
  const dearest = Math.ceil(mostPromptTokens(request.messages) * 300 + 2000 * 1200);
  for (const at of [offPeak, peak]) assert.equal(worstCostNanoUsd(request, flash, at), dearest);
});

test('the worst case counts further parameters as input', () => {
  const request = { messages: [{ role: 'user' as const, content: 'x' }], maxTokens: 0, n: 1 };
  const extraBody = { response_format: { type: 'json_schema', json_schema: { name: '€' } } };
  const override = { inputPerMillion: 1, outputPerMillion: 1 };
  const bytes = Buffer.byteLength(JSON.stringify(extraBody));
  const worst = (more: object) =>
    worstCostNanoUsd({ ...request, ...more }, { ...flash, override }, peak) ?? 0;
  assert.equal(worst({ extraBody }) - worst({}), bytes * 1000);
});

test('the worst case takes the price of writing to a cache where that is dearer', () => {
  const request = { messages: [{ role: 'user' as const, content: 'x' }], maxTokens: 0, n: 1 };
  assert.equal(worstCostNanoUsd(request, luna, offPeak), mostPromptTokens(request.messages) * 125);
});

test('an unknown price has no worst case, the simulated provider one of nothing', () => {
  const request = { messages: [], maxTokens: 1000, n: 1 };
  assert.equal(worstCostNanoUsd(request, { ...flash, model: 'llama-7b' }, peak), null);
  assert.equal(
    worstCostNanoUsd(request, { provider: 'simulated', baseUrl: '', model: 'simulated' }, peak),
    0,
  );
});

test('nothing a provider within its limits can bill exceeds the worst case', () => {
  const keys = fc.constantFrom(
    flash,
    luna,
    { ...flash, override: own },
    { ...flash, override: { ...own, cachedPerMillion: 5 } },
  );
  const moment = fc.integer({ min: 0, max: 23 }).map((hour) => new Date(Date.UTC(2026, 10, 5, hour, 30)));
  const request = fc.record({
    messages: fc.array(
      fc.record({
        role: fc.constant('user' as const),
        content: fc.string({ unit: 'grapheme', maxLength: 200 }),
      }),
      { maxLength: 4 },
    ),
    maxTokens: fc.integer({ min: 1, max: 5000 }),
    n: fc.integer({ min: 1, max: 8 }),
  });
  fc.assert(
    fc.property(
      keys,
      moment,
      request,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (key, at, asked, share) => {
        const prompt = mostPromptTokens(asked.messages);
        const usage = used(prompt, asked.maxTokens * asked.n, Math.floor(prompt * share));
        const reservedAt = new Date(Date.UTC(2026, 10, 5));
        assert.ok(
          (costNanoUsd(usage, key, at) ?? Infinity) <= (worstCostNanoUsd(asked, key, reservedAt) ?? 0),
        );
      },
    ),
    { numRuns: 200 },
  );
});
