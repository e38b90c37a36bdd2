import assert from 'node:assert/strict';
import test from 'node:test';
import { toResult } from '../../src/report/results-json.ts';
import type { PromptOutcome, RequestEntry } from '../../src/store/ledger/outcome.ts';
import {
  boughtOf,
  completionOf,
  failedOutcome,
  notRunOutcome,
  outcomeOf,
  usageOf,
} from './support/report-fixtures.ts';

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
    completionOf(2, 'Two', { usage: null, costNanoUsd: null, requestId: null }),
  ];
  const item = { prompt_id: 'a', prompt: 'Why?', fields: { topic: 'x', nested: { deep: [1] } } };
  assert.deepEqual(toResult(outcomeOf('a', { item, completions }), false), {
    prompt_id: 'a',
    prompt: 'Why?',
    status: 'succeeded',
    completions: [
      {
        record_id: 'answer-1',
        sample: 1,
        text: 'One',
        reasoning: 'Hm.',
        finish_reason: 'length',
        truncated: true,
        usage: usageJson(10, 5),
        estimated_cost: 0.000617283,
        latency_ms: 120,
        model: 'deepseek-v4-flash',
        request_id: 'req-1',
        time: '2026-03-04T05:06:00.000Z',
        attempt: 1,
      },
      {
        record_id: 'answer-2',
        sample: 2,
        text: 'Two',
        finish_reason: 'stop',
        truncated: false,
        usage: null,
        estimated_cost: null,
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
    status: null,
    request_id: null,
    attempt_log: [],
  });
});

const entry: RequestEntry = {
  recordId: 'fault-1',
  at: '2026-03-04T05:06:00.000Z',
  run: 1,
  attempt: 1,
  outcome: 'fault',
  type: 'Completion.Unavailable',
  status: 429,
  message: 'slow down',
  requestId: 'req-a',
  delayMs: 2000,
};

test('a failed prompt has the status and request id of the request that decided, and the log of all', () => {
  const requests: RequestEntry[] = [
    entry,
    {
      ...entry,
      recordId: 'start-2',
      outcome: 'lost',
      type: null,
      status: null,
      requestId: null,
      delayMs: null,
    },
    {
      ...entry,
      recordId: 'fault-3',
      type: 'Completion.Rejected',
      status: 400,
      message: 'content policy',
      requestId: 'req-c',
      delayMs: null,
    },
  ];
  const { error } = toResult({ ...failedOutcome('a'), requests }, false);
  assert.deepEqual([error?.status, error?.request_id], [400, 'req-c']);
  assert.deepEqual(
    error?.attempt_log.map(({ record_id, outcome, status, delay_ms }) => [
      record_id,
      outcome,
      status,
      delay_ms,
    ]),
    [
      ['fault-1', 'fault', 429, 2000],
      ['start-2', 'lost', null, null],
      ['fault-3', 'fault', 400, null],
    ],
  );
});

test('an answer that failed its prompt gives its request id, and is shown as paid and discarded', () => {
  const outcome: PromptOutcome = {
    ...failedOutcome('a'),
    error: { type: 'Completion.Empty', message: 'sample 2 came back without text', attempts: 2 },
    answers: [
      boughtOf('answer-1', { usage: usageOf(10, 5), costNanoUsd: 7 }),
      boughtOf('answer-2', { usage: usageOf(1, 2), costNanoUsd: null }, { kept: false, samples: [2] }),
    ],
    discarded: [
      {
        id: 'answer-2',
        at: '2026-03-04T05:06:00.000Z',
        model: 'deepseek-v4-flash',
        usage: usageOf(1, 2),
        costNanoUsd: null,
        latencyMs: 12,
        requestId: 'req-b',
        choices: [{ sample: 2, text: ' ', reasoning: 'hm', finishReason: 'stop', why: 'it has no text' }],
        attempt: 2,
        discardedAt: '2026-03-04T05:06:01.000Z',
      },
    ],
    requests: [
      { ...entry, recordId: 'answer-1', outcome: 'answer', type: null, requestId: 'req-a' },
      { ...entry, recordId: 'answer-2', outcome: 'answer', type: null, status: null, requestId: 'req-b' },
    ],
  };
  const result = toResult(outcome, false);
  assert.deepEqual([result.error?.status, result.error?.request_id], [null, 'req-b']);
  assert.deepEqual('discarded_answers' in result && result.discarded_answers, [
    {
      record_id: 'answer-2',
      samples: [2],
      choices: [
        {
          sample: 2,
          text: ' ',
          reasoning: 'hm',
          finish_reason: 'stop',
          truncated: false,
          why: 'it has no text',
        },
      ],
      time: '2026-03-04T05:06:00.000Z',
      discarded_at: '2026-03-04T05:06:01.000Z',
      model: 'deepseek-v4-flash',
      usage: usageJson(1, 2),
      estimated_cost: null,
      latency_ms: 12,
      request_id: 'req-b',
      attempt: 2,
    },
  ]);
});

test('a completion of an earlier batch says which, and what it cost there', () => {
  const reused = { batchId: 'earlier', answer: 'a1', usage: usageOf(3, 4), costNanoUsd: 9 };
  const completions = [completionOf(1, 'One', { usage: null, costNanoUsd: 0, attempt: 0, reused })];
  const [completion] = toResult(outcomeOf('a', { completions }), false).completions;
  assert.equal(completion!.estimated_cost, 0);
  assert.deepEqual('reused_from' in completion! && completion.reused_from, {
    batch_id: 'earlier',
    record_id: 'a1',
    usage: usageJson(3, 4),
    estimated_cost: 9e-9,
  });
});

test('shows what a prompt set for itself apart from its answers', () => {
  const item = {
    prompt_id: 'a',
    prompt: 'x',
    model: 'other',
    temperature: 0,
    completions: 4,
    extra_body: { seed: 1 },
  };
  const result = toResult(outcomeOf('a', { item }), false);
  assert.deepEqual('overrides' in result && result.overrides, {
    model: 'other',
    temperature: 0,
    completions: 4,
    extra_body: { seed: 1 },
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
