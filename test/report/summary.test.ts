import assert from 'node:assert/strict';
import test from 'node:test';
import type { BatchState } from '../../src/core/progress.ts';
import { summarise } from '../../src/report/summary.ts';
import {
  completionOf,
  failedOutcome,
  manifestOf,
  notRunOutcome,
  outcomeOf,
  sourceOf,
  usageOf,
} from './support/report-fixtures.ts';

test('has the fields users know', async () => {
  const outcomes = [outcomeOf('a'), failedOutcome('b'), outcomeOf('c')];
  assert.deepEqual(await summarise(sourceOf(outcomes, { state: 'partly_failed' })), {
    timestamp: '2026-03-04T05:06:07.890Z',
    batch_id: 'sample-0123456789ab',
    batch_name: 'Sample',
    state: 'partly_failed',
    total_items: 3,
    successful_items: 2,
    failed_items: 1,
    not_run_items: 0,
    success_rate: 66.67,
    total_tokens: 75,
    prompt_tokens: 50,
    completion_tokens: 25,
    estimated_cost: 0.003086417,
    bill: {
      paid_and_kept: 0.003086417,
      paid_and_discarded: 0,
      possibly_paid: { requests: 0, worst_case_cost: 0 },
      cached_input_savings: 0,
      reasoning_tokens: 0,
      reused_completions: 0,
    },
    duration_seconds: 12.346,
    paused_seconds: 0,
    idle_seconds: 0,
    model: 'deepseek-v4-flash',
    provider: 'deepseek',
    simulated: false,
    results_file: null,
    csv_file: null,
    failures_file: null,
    prices_version: '0.1.8',
    prices: {
      table_version: '0.1.8',
      used: [
        {
          model: 'deepseek-v4-flash',
          input_per_million: 0.14,
          cached_per_million: 0.028,
          output_per_million: 0.28,
          source: 'table',
          answers: 3,
          first_used: '2026-03-04T05:06:00.000Z',
          last_used: '2026-03-04T05:06:00.000Z',
        },
      ],
    },
    failures: [
      {
        type: 'Completion.Rejected',
        count: 1,
        advice:
          'the provider refuses these prompts as they are; read its message, change them in the failures file beside the results, and run that file',
        examples: [{ prompt_id: 'b', message: 'content policy' }],
      },
    ],
    warnings: [],
  });
});

test('shows cached and reasoning tokens where there are any', async () => {
  const paid = { usage: usageOf(9, 8, { cached: 4, reasoning: 3 }), costNanoUsd: 1 };
  const summary = await summarise(sourceOf([outcomeOf('a', { paid })]));
  assert.deepEqual([summary.cached_tokens, summary.reasoning_tokens], [4, 3]);
});

const states: [BatchState, true | undefined][] = [
  ['running', true],
  ['paused', true],
  ['cancelling', true],
  ['crashed', true],
  ['cancelled', undefined],
  ['partly_failed', undefined],
  ['succeeded', undefined],
];
for (const [state, partial] of states)
  test(`a report of a batch that is ${state} is ${partial ? '' : 'not '}partial`, async () => {
    const summary = await summarise(sourceOf([outcomeOf('a')], { state }));
    assert.equal(summary.partial, partial);
    assert.equal(summary.pending_items, partial && 0);
  });

test('counts prompts that are not done, and says so', async () => {
  const pending = outcomeOf('b', { status: 'pending', completions: [] });
  const summary = await summarise(sourceOf([outcomeOf('a'), pending], { state: 'running' }));
  assert.equal(summary.pending_items, 1);
  assert.match(summary.warnings.join(), /partial: the batch is running, 1 of 2 prompts/);
});

test('counts prompts a cancelled batch never ran apart', async () => {
  const outcomes = [outcomeOf('a'), notRunOutcome('b'), notRunOutcome('c')];
  const summary = await summarise(sourceOf(outcomes, { state: 'cancelled' }));
  assert.equal(summary.not_run_items, 2);
  assert.equal(summary.failed_items, 0);
  assert.equal(summary.success_rate, 33.33);
});

test('an unknown price makes the cost null, never 0, with a warning', async () => {
  const paid = { usage: usageOf(1, 1), costNanoUsd: null };
  const summary = await summarise(sourceOf([outcomeOf('a', { paid }), outcomeOf('b')]));
  assert.equal(summary.estimated_cost, null);
  assert.match(summary.warnings.join(), /1 of 2 prompts is unknown.*deepseek-v4-flash.*0\.001234567 USD/);
});

test('warns of answers cut off at max_tokens', async () => {
  const completions = [completionOf(1, 'a', { truncated: true }), completionOf(2, 'b')];
  const summary = await summarise(sourceOf([outcomeOf('a', { completions })]));
  assert.match(summary.warnings.join(), /1 of 2 completions were cut off at max_tokens/);
});

test('marks a simulated batch', async () => {
  const settings = { ...manifestOf(1).settings, provider: 'simulated' as const };
  const summary = await summarise(sourceOf([outcomeOf('a')], { manifest: { settings } }));
  assert.equal(summary.simulated, true);
  assert.match(summary.warnings.join(), /simulated/);
});

test('never rounds up to 100 percent', async () => {
  const outcomes = Array.from({ length: 30_000 }, (_, at) => outcomeOf(`p${at}`));
  outcomes[7] = failedOutcome('p7');
  assert.equal((await summarise(sourceOf(outcomes))).success_rate, 99.99);
});

test('refuses a store that lost prompts', async () => {
  const source = sourceOf([outcomeOf('a')], { manifest: { prompts: 2 } });
  await assert.rejects(summarise(source), /batch\.json says 2 prompts, but its folder holds 1/);
});

test('warns once of cells that are longer than Excel can show', async () => {
  const completions = [completionOf(1, 'a'.repeat(40_000)), completionOf(2, 'b'.repeat(32_768))];
  const warningsOf = async (...outcomes: Parameters<typeof sourceOf>[0]): Promise<string[]> =>
    (await summarise(sourceOf(outcomes))).warnings;
  const [warning, ...others] = await warningsOf(
    outcomeOf('a', { completions }),
    outcomeOf('b', { completions }),
  );
  assert.match(warning ?? '', /^4 cells of the CSV are longer than 32,767 characters/);
  assert.deepEqual(others, []);
  const one = [completionOf(1, 'a'.repeat(40_000))];
  assert.match(
    (await warningsOf(outcomeOf('a', { completions: one })))[0] ?? '',
    /^1 cell of the CSV is longer/,
  );
  assert.deepEqual(await warningsOf(outcomeOf('a')), []);
});
