import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressLine } from '../../../../src/client/render/progress/progress-line.ts';
import { sampleProgress } from '../sample-progress.ts';

const context = { batchId: 'demo-1', simulated: false };
const counts = { total: 1000, pending: 638, running: 50, succeeded: 310, failed: 2, notRun: 0 };
const pause = {
  reason: 'account',
  message: '402:\n\u001b[31mInsufficient Balance',
  since: '2026-11-23T00:00:00.000Z',
} as const;

test('the line has every figure', () => {
  assert.equal(
    progressLine(sampleProgress(), context),
    '312/1000 done · 310 succeeded · 2 failed · 50/50 in flight · 182,340 tokens · $0.0412 of about $0.13 · 14.2 prompts/s · ETA 48s',
  );
});

test('made-up answers are marked in front', () => {
  assert.match(progressLine(sampleProgress(), { ...context, simulated: true }), /^\[simulated\] 312\//);
});

test('an unknown cost is said to be unknown', () => {
  const { paid } = sampleProgress();
  const line = progressLine(sampleProgress({ paid: { ...paid, costNanoUsd: null } }), context);
  assert.match(line, / · cost unknown · /);
  assert.doesNotMatch(line, /\$/);
});

test('a pause shows its reason, its message made safe, and what to type', () => {
  const line = progressLine(sampleProgress({ state: 'paused', pause }), context);
  assert.match(
    line,
    / · paused \(account\): 402: Insufficient Balance · to continue: durabatch resume demo-1$/,
  );
  assert.doesNotMatch(line, /ETA|prompts\/s/);
});

test('a batch being cancelled says so', () => {
  assert.match(progressLine(sampleProgress({ state: 'cancelling' }), context), / · cancelling$/);
});

test('there is no rate before one is known', () => {
  const line = progressLine(sampleProgress({ promptsPerSecond: 0, etaSeconds: null }), context);
  assert.match(line, /\$0\.0412 of about \$0\.13$/);
});

test('what a cancelled batch never ran is counted', () => {
  const ended = { ...counts, pending: 0, running: 0, notRun: 688 };
  const line = progressLine(sampleProgress({ state: 'cancelled', counts: ended }), context);
  assert.match(line, /^312\/1000 done · 310 succeeded · 2 failed · 688 not run · .* · cancelled$/);
});

test('once only stragglers are left, longer than anything before, no end is made up', () => {
  const left = { ...counts, pending: 0, running: 2, succeeded: 996 };
  assert.match(
    progressLine(sampleProgress({ counts: left, etaSeconds: null }), context),
    / · the last 2 take longer$/,
  );
});

test('what is retried and what adapts itself are told behind, a failure only where it is new', () => {
  const progress = {
    ...sampleProgress({
      autoWorkers: { slots: 50, ceiling: 500, reason: 'growing' },
      lastFailures: [{ promptId: 'p7', type: 'Completion.Rejected', message: 'too\nlong' }],
    }),
    retries: { prompts: 12, reasons: [{ reason: 'rate limit (429)', prompts: 12 }], lastTryAt: null },
  };
  const tail = ' · 12 in retry: rate limit (429) · auto: 50 of at most 500 at once: growing';
  assert.ok(progressLine(progress, context).endsWith(tail));
  assert.ok(progressLine(progress, context, true).endsWith(`${tail} · last failure: p7: too long`));
});

test('a batch that nobody works on says so', () => {
  assert.match(
    progressLine({ ...sampleProgress(), unheard: 'no-worker' }, context),
    / · no worker is on it$/,
  );
  const silent = progressLine({ ...sampleProgress(), unheard: 'silent-worker' }, context);
  assert.match(silent, / in flight .* · its worker is busy and has not answered in time$/);
});
