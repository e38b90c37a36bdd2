import assert from 'node:assert/strict';
import test from 'node:test';
import { toResult } from '../../src/report/results-json.ts';
import { completionOf, failedOutcome, notRunOutcome, outcomeOf, usageOf } from './support/report-fixtures.ts';

const usageJson = (prompt: number, completion: number) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
  cached_tokens: 0,
  reasoning_tokens: 0,
});

test('gives the prompt, its answers and what they cost', () => {
  const completions = [
    completionOf(1, 'One', { reasoning: 'Hm.', finishReason: 'length', truncated: true }),
    completionOf(2, 'Two', { usage: null, requestId: null }),
  ];
  const item = { prompt_id: 'a', prompt: 'Why?', fields: { topic: 'x', nested: { deep: [1] } } };
  assert.deepEqual(toResult(outcomeOf('a', { item, completions }), false), {
    prompt_id: 'a',
    prompt: 'Why?',
    status: 'succeeded',
    completions: [
      {
        sample: 1,
        text: 'One',
        reasoning: 'Hm.',
        finish_reason: 'length',
        truncated: true,
        usage: usageJson(10, 5),
        latency_ms: 120,
        model: 'deepseek-v4-flash',
        request_id: 'req-1',
        time: '2026-03-04T05:06:00.000Z',
        attempt: 1,
      },
      {
        sample: 2,
        text: 'Two',
        finish_reason: 'stop',
        truncated: false,
        usage: null,
        latency_ms: 120,
        model: 'deepseek-v4-flash',
        request_id: null,
        time: '2026-03-04T05:06:00.000Z',
        attempt: 2,
      },
    ],
    aggregated_usage: usageJson(20, 10),
    estimated_cost: 0.001234567,
    error: null,
    fields: { topic: 'x', nested: { deep: [1] } },
  });
});

test('keeps the answer of a failed prompt that was paid, and says why it failed', () => {
  const result = toResult(failedOutcome('a'), false);
  assert.equal(result.status, 'failed');
  assert.equal(result.completions.length, 1);
  assert.equal(result.estimated_cost, 0.000617283);
  assert.deepEqual(result.error, {
    type: 'Completion.Rejected',
    message: 'content policy',
    attempts: 2,
  });
});

test('shows what a prompt set for itself apart from its answers', () => {
  const item = { prompt_id: 'a', prompt: 'x', model: 'other', temperature: 0, completions: 4 };
  const result = toResult(outcomeOf('a', { item }), false);
  assert.deepEqual('overrides' in result && result.overrides, {
    model: 'other',
    temperature: 0,
    completions: 4,
  });
  assert.equal('overrides' in toResult(outcomeOf('b'), false), false);
});

test('gives a conversation whole and its last question as the prompt', () => {
  const messages = [
    { role: 'system' as const, content: 'Be brief.' },
    { role: 'user' as const, content: 'Why?' },
  ];
  const result = toResult(outcomeOf('a', { item: { prompt_id: 'a', messages } }), false);
  assert.equal(result.prompt, 'Why?');
  assert.deepEqual('messages' in result && result.messages, messages);
});

test('marks a simulated result', () => {
  const result = toResult(outcomeOf('a'), true);
  assert.equal('simulated' in result && result.simulated, true);
  assert.equal('simulated' in toResult(outcomeOf('a'), false), false);
});

test('a prompt that never ran has no answer and no cost', () => {
  const result = toResult(notRunOutcome('a'), false);
  assert.deepEqual(result.completions, []);
  assert.deepEqual(result.aggregated_usage, usageJson(0, 0));
  assert.equal(result.estimated_cost, 0);
});

test('an unknown cost is null', () => {
  const paid = { usage: usageOf(1, 1), costNanoUsd: null };
  assert.equal(toResult(outcomeOf('a', { paid }), false).estimated_cost, null);
});
