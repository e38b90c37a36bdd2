import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costRowText } from '../../../src/client/render/batch-rows.ts';
import { commandLine, shellWord } from '../../../src/core/command-line.ts';
import type { BatchSummary } from '../../../src/client/render/summary-text.ts';
import { summaryJson, summaryText } from '../../../src/client/render/summary-text.ts';
import { emptyBill } from '../../../src/store/digests/bill-tally.ts';
import { addMoney, noMoney } from '../../../src/core/money.ts';
import type { Pause } from '../../../src/core/progress.ts';
import { sampleProgress } from './sample-progress.ts';

const { paid } = sampleProgress();
const pause: Pause = {
  reason: 'account',
  message: '402: Insufficient Balance',
  since: '2026-11-23T00:03:00.000Z',
};

const summary = (changes: Partial<BatchSummary> = {}): BatchSummary => ({
  batchId: 'demo-1',
  batchName: 'Demo',
  state: 'partly_failed',
  pause: null,
  counts: { total: 1000, pending: 0, running: 0, succeeded: 990, failed: 10, notRun: 0 },
  paid,
  bill: { ...emptyBill, kept: addMoney(noMoney, paid.costNanoUsd) },
  durationMs: 73_400,
  pausedMs: 0,
  idleMs: 0,
  provider: 'deepseek',
  model: 'deepseek-v4-flash',
  simulated: false,
  limits: { prices: null, maxCostNanoUsd: null },
  resultsFile: 'out/batch_results_20261123_000157.json',
  csvFile: 'out/batch_results_20261123_000157.csv',
  failuresFile: 'out/batch_results_20261123_000157_failures.jsonl',
  webUiUrl: 'http://127.0.0.1:8233/w',
  stopServerCommand: commandLine`durabatch server stop`,
  runFlags: ['--model', 'm'].map((word) => shellWord(word, '')),
  failures: [
    {
      type: 'Completion.Rejected',
      count: 10,
      examples: ['p1', 'p2', 'p3', 'p4'].map((promptId) => ({
        promptId,
        message: '400: \u001b[31mtoo\nlong',
      })),
    },
  ],
  warnings: [],
  timestamp: '2026-11-23T00:01:57.000Z',
  ...changes,
});

test('the summary says what came of it and where it is', () => {
  assert.equal(
    summaryText(summary()),
    `Batch     demo-1 (Demo)
State     partly failed
Prompts   990 succeeded · 10 failed (of 1,000)
Tokens    182,340 (prompt 82,340; completion 100,000)
Cost      $0.0412 (estimated from list prices)
Duration  1m 13s
Model     deepseek-v4-flash (deepseek)
Results   out/batch_results_20261123_000157.json
CSV       out/batch_results_20261123_000157.csv
Failures  out/batch_results_20261123_000157_failures.jsonl
Web UI    http://127.0.0.1:8233/w
Server    still running; to stop it: durabatch server stop
Next      The provider refused every failed prompt, and would refuse it again unchanged. Change the prompts in the failures file, then run that file:
          durabatch run out/batch_results_20261123_000157_failures.jsonl --model m
10 prompts failed with Completion.Rejected
  the provider refuses these prompts as they are; read its message, change them in the failures file beside the results, and run that file
  p1: 400: too long
  p2: 400: too long
  p3: 400: too long
  … and 7 more, in the results`,
  );
});

test('the summary of a batch that succeeded has nothing left to do', () => {
  const text = summaryText(summary({ state: 'succeeded', failures: [] }));
  assert.doesNotMatch(text, /^Next/m);
});

test('the summary marks made-up answers first of all', () => {
  assert.match(summaryText(summary({ simulated: true })), /^\[simulated\] These answers were made up/);
  assert.doesNotMatch(summaryText(summary()), /simulated/);
});

test('the summary of a pause ends with the command that goes on, alone on its line', () => {
  const text = summaryText(summary({ state: 'paused', pause, failures: [] }));
  assert.match(text, /^State +paused \(account\): 402: Insufficient Balance$/m);
  assert.match(text, /^ +durabatch resume demo-1$/m);
});

test('the summary says that a cost is unknown, with the warning', () => {
  const text = summaryText(
    summary({ paid: { ...paid, costNanoUsd: null }, warnings: ['no price for "foo"'] }),
  );
  assert.match(text, /^Cost +unknown: a price or a token count is missing$/m);
  assert.match(text, /^warning: no price for "foo"$/m);
  assert.doesNotMatch(text, /\$/);
});

test('where the prices are the own ones, it is a token count that is missing', () => {
  const own = { inputPerMillion: 1, outputPerMillion: 2 };
  assert.equal(
    costRowText({ ...paid, costNanoUsd: null }, false, own),
    'unknown: no token count came back with an answer',
  );
});

test('prose is wrapped to the terminal, places are not', () => {
  const path = `out/${'long folder '.repeat(9)}results.json`;
  const lines = summaryText(summary({ resultsFile: path, failuresFile: null }), { columns: 60 }).split('\n');
  assert.deepEqual(
    lines.filter((line) => line.length > 60),
    [`Results   ${path}`],
  );
});

test('the last line for programs is the summary of the report', () => {
  const json = summaryJson(summary({ state: 'paused', pause }));
  assert.deepEqual(json['pause'], { ...pause, by: null });
  const { pause: _, next_step: next, failures, ...rest } = json;
  assert.deepEqual((next as { command: string }).command, 'durabatch resume demo-1');
  assert.equal((failures as unknown[]).length, 1);
  assert.deepEqual(rest, {
    type: 'summary',
    timestamp: '2026-11-23T00:01:57.000Z',
    batch_id: 'demo-1',
    batch_name: 'Demo',
    state: 'paused',
    total_items: 1000,
    successful_items: 990,
    failed_items: 10,
    not_run_items: 0,
    success_rate: 99,
    total_tokens: 182_340,
    prompt_tokens: 82_340,
    completion_tokens: 100_000,
    estimated_cost: 0.041234567,
    bill: {
      paid_and_kept: 0.041234567,
      paid_and_discarded: 0,
      possibly_paid: { requests: 0, worst_case_cost: 0 },
      cached_input_savings: 0,
      reasoning_tokens: 0,
      reused_completions: 0,
    },
    duration_seconds: 73.4,
    paused_seconds: 0,
    idle_seconds: 0,
    model: 'deepseek-v4-flash',
    provider: 'deepseek',
    simulated: false,
    results_file: 'out/batch_results_20261123_000157.json',
    csv_file: 'out/batch_results_20261123_000157.csv',
    failures_file: 'out/batch_results_20261123_000157_failures.jsonl',
    web_ui: 'http://127.0.0.1:8233/w',
    warnings: [],
  });
});

const hour = 3_600_000;
for (const [others, shown] of [
  [{ pausedMs: 999, idleMs: 999 }, '1m 13s'],
  [{ pausedMs: 8 * hour }, '1m 13s at work, 8h paused'],
  [{ idleMs: 2 * hour }, '1m 13s at work, 2h without a worker'],
  [{ pausedMs: 8 * hour, idleMs: 2 * hour }, '1m 13s at work, 8h paused, 2h without a worker'],
] as const)
  test(`the duration is told apart from other time: ${shown}`, () => {
    assert.match(summaryText(summary(others)), new RegExp(`^Duration  ${shown}$`, 'm'));
  });

test('the duration and other time are seconds in JSON', () => {
  const json = summaryJson(summary({ pausedMs: 1500, idleMs: 2500 }));
  assert.deepEqual(
    [json['duration_seconds'], json['paused_seconds'], json['idle_seconds']],
    [73.4, 1.5, 2.5],
  );
});

test('the bill is told in aligned lines where there is more to it than what was kept', () => {
  const sum = (...amounts: (number | null)[]) => amounts.reduce(addMoney, noMoney);
  const bill = {
    kept: sum(40_000_000),
    discarded: sum(1_200_000),
    possiblyPaid: sum(3_000_000, null),
    cacheSaving: sum(700_000),
    reasoningTokens: 0,
    reused: 1_200,
  };
  assert.match(
    summaryText(summary({ bill, resultsFile: null, csvFile: null, failuresFile: null })),
    new RegExp(
      `^Bill      kept                   \\$0.0400
          discarded or failed    \\$0.0012
          possibly paid          unknown, \\$0.0030 of it known \\(2 requests whose answer was lost\\)
          saved by cached input  \\$0.0007
          reused                 1,200 completions of earlier batches$`,
      'm',
    ),
  );
  assert.doesNotMatch(summaryText(summary()), /^Bill/m);
  assert.match(summaryText(summary({ bill, simulated: true })), /^Bill +reused +1,200 completions/m);
});
