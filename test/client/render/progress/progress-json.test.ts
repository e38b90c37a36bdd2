import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressJson } from '../../../../src/client/render/progress/progress-json.ts';
import { sampleProgress } from '../sample-progress.ts';

const context = { batchId: 'demo-1', simulated: false };
const pause = {
  reason: 'account',
  message: '402:\n\u001b[31mInsufficient Balance',
  since: '2026-11-23T00:00:00.000Z',
} as const;

test('the line for programs has every field in snake_case', () => {
  const lastFailures = [{ promptId: 'p7', type: 'Completion.Rejected', message: 'too long' } as const];
  const failuresByType = { 'Completion.Rejected': 2 };
  const retries = { prompts: 3, reasons: [{ reason: 'rate limit (429)', prompts: 3 }], lastTryAt: null };
  const progress = {
    ...sampleProgress({ state: 'paused', pause, lastFailures, failuresByType }),
    retries,
  };
  assert.deepEqual(progressJson(progress, context), {
    type: 'progress',
    batch_id: 'demo-1',
    state: 'paused',
    pause: { ...pause, by: null },
    simulated: false,
    total: 1000,
    done: 312,
    pending: 638,
    running: 50,
    succeeded: 310,
    failed: 2,
    not_run: 0,
    total_tokens: 182_340,
    prompt_tokens: 82_340,
    completion_tokens: 100_000,
    estimated_cost: 0.041234567,
    projected_cost: 0.132162074,
    max_cost: null,
    spent_or_possibly: null,
    prompts_per_second: 14.2,
    eta_seconds: 48,
    max_workers: 50,
    auto_workers: null,
    in_retry: 3,
    retry_reasons: [{ reason: 'rate limit (429)', prompts: 3 }],
    last_failures: [{ prompt_id: 'p7', type: 'Completion.Rejected', message: 'too long' }],
    failures_by_type: failuresByType,
  });
});

test('a pause that somebody asked for names him', () => {
  const asked = { ...pause, reason: 'operator', by: 'ann@laptop' } as const;
  assert.deepEqual(progressJson(sampleProgress({ state: 'paused', pause: asked }), context)['pause'], asked);
});

test('with auto it tells how many may be in progress at present, and why', () => {
  const autoWorkers = { slots: 12, ceiling: 50, reason: 'growing while nothing is refused' };
  const line = progressJson(sampleProgress({ autoWorkers }), context);
  assert.deepEqual(line['auto_workers'], autoWorkers);
});
