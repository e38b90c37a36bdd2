import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { BatchSettings, RequestSettings, RunLimits } from '../../../src/core/settings.ts';
import type { PromptItem } from '../../../src/core/prompt.ts';
import { createEstimator } from '../../../src/client/estimate/estimate-batch.ts';
import { limits } from '../../providers/settings.ts';

/** Within DeepSeek's off-peak or peak hours: the day has both. */
const NOW = new Date('2026-06-01T00:00:00.000Z');
const prices = { inputPerMillion: 1, outputPerMillion: 10 };
/** A token a character. */
const countCharacters = (messages: readonly { content: string }[]): number =>
  messages.reduce((sum, { content }) => sum + content.length, 0);

const settingsOf = (
  request: Partial<RequestSettings> = {},
  changes: Partial<RunLimits> = {},
): BatchSettings => ({
  request: {
    provider: 'deepseek',
    baseUrl: 'https://api.deepseek.com',
    model: 'deepseek-v4-flash',
    temperature: 0.7,
    topP: 0.9,
    maxTokens: 100,
    completions: 2,
    thinking: false,
    ...request,
  },
  limits: { ...limits, ...changes },
});

function estimate(settings: BatchSettings, items: Omit<PromptItem, 'prompt_id'>[]) {
  const estimator = createEstimator(settings, countCharacters, NOW);
  items.forEach((item, index) => estimator.add(estimator.measure({ prompt_id: `p${index}`, ...item })));
  return estimator.result();
}

test('where n is not honoured every completion is a request, and sends its prompt again', () => {
  const result = estimate(settingsOf({}, { prices, maxWorkers: 2 }), [{ prompt: 'x'.repeat(10) }]);
  assert.deepEqual(result, {
    prompts: 1,
    completions: 2,
    reusedCompletions: 0,
    requests: 2,
    promptTokens: 20,
    outputTokens: { low: 50, high: 200 },
    costNanoUsd: { low: 20 * 1000 + 50 * 10_000, high: 20 * 1000 + 200 * 10_000 },
    seconds: { low: 2 * (1 + 25 / 50), high: 2 * (1 + 100 / 50) },
  });
});

test('where n is honoured a prompt is sent once for all its completions', () => {
  const settings = settingsOf({ provider: 'openai-compatible', completions: 4 }, { prices });
  const { requests, promptTokens, outputTokens, costNanoUsd } = estimate(settings, [
    { prompt: 'x'.repeat(10) },
  ]);
  assert.deepEqual([requests, promptTokens, outputTokens.high], [1, 10, 400]);
  assert.equal(costNanoUsd?.high, 10 * 1000 + 400 * 10_000);
});

test('more completions than fit into one request: the last one is smaller, and costs less', () => {
  const settings = settingsOf({ provider: 'openai-compatible', completions: 11 }, { prices });
  const { requests, promptTokens, outputTokens, costNanoUsd } = estimate(settings, [
    { prompt: 'x'.repeat(10) },
  ]);
  assert.deepEqual([requests, promptTokens], [2, 20]);
  assert.deepEqual(outputTokens, { low: 275, high: 1100 });
  assert.deepEqual(costNanoUsd, { low: 20 * 1000 + 275 * 10_000, high: 20 * 1000 + 1100 * 10_000 });
});

test('what a prompt sets for itself counts', () => {
  const { completions, outputTokens } = estimate(settingsOf({}, { prices }), [
    { prompt: 'x', completions: 3, max_tokens: 1000 },
    { messages: [{ role: 'user', content: 'x' }] },
  ]);
  assert.deepEqual([completions, outputTokens.high], [5, 3200]);
});

test('the schema of a response_format is input, other parameters are not', () => {
  const tokensOf = (extra_body: Record<string, unknown>) =>
    estimate(settingsOf({}, { prices }), [{ prompt: 'x', completions: 1, extra_body }]).promptTokens;
  assert.equal(tokensOf({ stop: ['long'], seed: 1 }), 1);
  assert.equal(tokensOf({ response_format: { type: 'json_object' } }), 1 + '{"type":"json_object"}'.length);
});

test('many prompts cost the sum of what each costs, those of other models and lengths among them', () => {
  const items = Array.from({ length: 30 }, (_, n) => ({
    prompt: 'x'.repeat(n % 3 === 0 ? 5 : 50),
    max_tokens: n % 2 === 0 ? 100 : 200,
    ...(n % 5 === 0 && { model: 'deepseek-v4-pro' }),
  }));
  const each = items.map((item) => estimate(settingsOf(), [item]).costNanoUsd);
  assert.ok(new Set(each.map((range) => range?.low)).size >= 6);
  assert.deepEqual(estimate(settingsOf(), items).costNanoUsd, {
    low: each.reduce((sum, range) => sum + range!.low, 0),
    high: each.reduce((sum, range) => sum + range!.high, 0),
  });
});

describe('the cost', () => {
  test('by the table it reaches from the cheapest to the dearest hour, whatever the hour', () => {
    const items = [{ prompt: 'x'.repeat(1000), max_tokens: 1, completions: 1 }];
    const at = (hour: number) => {
      const estimator = createEstimator(settingsOf(), countCharacters, new Date(Date.UTC(2026, 5, 1, hour)));
      estimator.add(estimator.measure({ prompt_id: 'p', ...items[0]! }));
      return estimator.result().costNanoUsd!;
    };
    const all = Array.from({ length: 24 }, (_, hour) => at(hour));
    assert.equal(new Set(all.map(({ low, high }) => `${low} ${high}`)).size, 1);
    assert.ok(all[0]!.low <= all[0]!.high);
  });
  test('is unknown as soon as one model has no price', () => {
    const items = [{ prompt: 'x' }, { prompt: 'x', model: 'nobody-knows-it' }, { prompt: 'x' }];
    assert.equal(estimate(settingsOf(), items).costNanoUsd, null);
  });
  test('is nothing where answers are simulated', () => {
    const simulated = settingsOf({ provider: 'simulated', baseUrl: '', model: 'simulated' });
    assert.deepEqual(estimate(simulated, [{ prompt: 'x' }]).costNanoUsd, { low: 0, high: 0 });
  });
});

test('more workers than prompts make nothing faster', () => {
  const seconds = (maxWorkers: number) =>
    estimate(settingsOf({}, { maxWorkers }), [{ prompt: 'x' }, { prompt: 'y' }]).seconds;
  assert.deepEqual(seconds(2), seconds(500));
  assert.ok(seconds(1).high > seconds(2).high);
});

test('no range is upside down, and sums are those of the prompts', () => {
  const item = fc.record(
    {
      prompt: fc.string({ minLength: 1 }),
      completions: fc.integer({ min: 1, max: 20 }),
      max_tokens: fc.integer({ min: 1, max: 5000 }),
    },
    { requiredKeys: ['prompt'] },
  );
  const provider = fc.constantFrom('deepseek' as const, 'openai-compatible' as const);
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 10 }), provider, (items, name) => {
      const settings = settingsOf({ provider: name }, { prices });
      const { outputTokens, costNanoUsd, seconds, promptTokens, completions } = estimate(settings, items);
      for (const { low, high } of [outputTokens, costNanoUsd!, seconds]) assert.ok(low > 0 && low <= high);
      assert.ok(outputTokens.low >= outputTokens.high * 0.25 && outputTokens.low >= completions);
      assert.equal(costNanoUsd!.high, promptTokens * 1000 + outputTokens.high * 10_000);
      const alone = items.map((one) => estimate(settings, [one]));
      assert.equal(
        promptTokens,
        alone.reduce((sum, one) => sum + one.promptTokens, 0),
      );
      assert.equal(
        costNanoUsd!.high,
        alone.reduce((sum, one) => sum + one.costNanoUsd!.high, 0),
      );
    }),
  );
});

test("where the account's limits take longer, they decide the time", () => {
  const account = { name: 'acme', requestsPerMinute: 6, tokensPerMinute: 120 };
  const result = estimate(settingsOf({}, { prices, maxWorkers: 2, account }), [{ prompt: 'x'.repeat(10) }]);
  // 2 requests at 6 a minute; 20 + 200 tokens at 120 a minute.
  assert.deepEqual(result.seconds, { low: 35, high: 110 });
});

test('what is there already is no request, and of n completions in one request only what is left is asked', () => {
  const results = [2, 1, 0].map((reused) => {
    const estimator = createEstimator(settingsOf({}, { prices, maxWorkers: 2 }), countCharacters, NOW);
    estimator.add(estimator.measure({ prompt_id: 'p', prompt: 'x'.repeat(10) }), reused);
    return estimator.result();
  });
  assert.deepEqual(
    results.map(({ completions, reusedCompletions, requests, promptTokens, costNanoUsd }) => [
      completions,
      reusedCompletions,
      requests,
      promptTokens,
      costNanoUsd?.high,
    ]),
    [0, 1, 2].map((bought) => [2, 2 - bought, bought, 10 * bought, bought * (10 * 1000 + 100 * 10_000)]),
  );
});
