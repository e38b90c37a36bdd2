import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Usage } from '../../src/core/receipt.ts';
import { toUsage } from '../../src/providers/chat-response.ts';

const of = (prompt: number, completion: number, cached = 0, reasoning = 0): Usage => ({
  prompt,
  completion,
  total: prompt + completion,
  cached,
  reasoning,
});

const cases: [title: string, raw: unknown, usage: Usage | null][] = [
  ['plain', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }, of(10, 5)],
  ['without a total', { prompt_tokens: 10, completion_tokens: 5 }, of(10, 5)],
  ['with a total that is too small', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 9 }, of(10, 5)],
  [
    'thinking that only the total has',
    { prompt_tokens: 10, completion_tokens: 20, total_tokens: 1030 },
    of(10, 1020, 0, 1000),
  ],
  [
    'thinking beside the completion, of which some is named within it',
    {
      prompt_tokens: 10,
      completion_tokens: 20,
      total_tokens: 60,
      completion_tokens_details: { reasoning_tokens: 5 },
    },
    of(10, 50, 0, 35),
  ],
  [
    'thinking beside the completion, as large as what is named',
    {
      prompt_tokens: 10,
      completion_tokens: 20,
      total_tokens: 35,
      completion_tokens_details: { reasoning_tokens: 5 },
    },
    of(10, 25, 0, 5),
  ],
  ['by newer names', { input_tokens: 10, output_tokens: 5, total_tokens: 15 }, of(10, 5)],
  [
    'by newer names, with details',
    {
      input_tokens: 10,
      output_tokens: 50,
      input_tokens_details: { cached_tokens: 8 },
      output_tokens_details: { reasoning_tokens: 40 },
    },
    of(10, 50, 8, 40),
  ],
  [
    'by both names',
    { prompt_tokens: 10, completion_tokens: 5, input_tokens: 1, output_tokens: 1 },
    of(10, 5),
  ],
  ['half of it by newer names', { input_tokens: 10 }, null],
  [
    'cached, as OpenAI says it',
    { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 8 } },
    of(10, 5, 8),
  ],
  [
    'cached, as DeepSeek says it',
    { prompt_tokens: 10, completion_tokens: 5, prompt_cache_hit_tokens: 8, prompt_cache_miss_tokens: 2 },
    of(10, 5, 8),
  ],
  [
    'reasoning within the completion',
    {
      prompt_tokens: 10,
      completion_tokens: 50,
      total_tokens: 60,
      completion_tokens_details: { reasoning_tokens: 40 },
    },
    of(10, 50, 0, 40),
  ],
  [
    'reasoning beside the completion',
    {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 55,
      completion_tokens_details: { reasoning_tokens: 40 },
    },
    of(10, 45, 0, 40),
  ],
  [
    'more reasoning than completion, without a total',
    { prompt_tokens: 10, completion_tokens: 20, completion_tokens_details: { reasoning_tokens: 500 } },
    of(10, 520, 0, 500),
  ],
  [
    'more cached than there is',
    { prompt_tokens: 10, completion_tokens: 5, prompt_cache_hit_tokens: 99 },
    of(10, 5, 10),
  ],
  [
    'negative details',
    { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: -8 } },
    of(10, 5),
  ],
  [
    'details null',
    { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: null, completion_tokens_details: null },
    of(10, 5),
  ],
  ['zeros', { prompt_tokens: 0, completion_tokens: 0 }, of(0, 0)],
  ['negative', { prompt_tokens: -10, completion_tokens: 5 }, null],
  ['absurd', { prompt_tokens: 1e300, completion_tokens: 5 }, null],
  ['text', { prompt_tokens: '10', completion_tokens: 5 }, null],
  ['null', { prompt_tokens: null, completion_tokens: 5 }, null],
  ['half of it', { prompt_tokens: 10 }, null],
  ['nothing', undefined, null],
];
for (const [title, raw, usage] of cases) {
  test(`usage: ${title}`, () => {
    assert.deepEqual(toUsage(raw), usage);
  });
}

test('usage: whatever a provider sends, sums stay sums', () => {
  const count = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant(null), fc.constant(undefined));
  const raw = fc.record({
    prompt_tokens: count,
    completion_tokens: count,
    total_tokens: count,
    prompt_cache_hit_tokens: count,
    prompt_tokens_details: fc.oneof(fc.record({ cached_tokens: count }), fc.string()),
    completion_tokens_details: fc.oneof(fc.record({ reasoning_tokens: count }), fc.constant(null)),
  });
  fc.assert(
    fc.property(raw, (usage) => {
      const read = toUsage(usage);
      if (read === null) return;
      for (const value of Object.values(read)) assert.ok(Number.isSafeInteger(value) && value >= 0);
      assert.equal(read.total, read.prompt + read.completion);
      assert.ok(read.cached <= read.prompt && read.reasoning <= read.completion);
    }),
  );
});
