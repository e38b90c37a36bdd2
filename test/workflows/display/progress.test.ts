import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pause } from '../../../src/core/progress.ts';
import type { Receipt } from '../../../src/core/receipt.ts';
import { endedProgress, progressOf } from '../../../src/workflows/display/progress.ts';
import { newTally, applyReceipt } from '../../../src/workflows/tally.ts';

const receipt: Receipt = {
  status: 'succeeded',
  answers: ['a'],
  paid: { usage: { prompt: 10, completion: 5, total: 15, cached: 0, reasoning: 0 }, costNanoUsd: 7 },
  spentNanoUsd: 7,
  latencyMs: 1,
};
const pause: Pause = { reason: 'account', message: 'no balance', since: '2026-01-01T00:00:00.000Z' };

test('tells what is left, how fast it goes and when it will be over', () => {
  let tally = newTally(10);
  for (const at of [0, 500, 1000]) tally = applyReceipt(tally, 'p', receipt, at);

  const progress = progressOf({
    state: 'running',
    pause: null,
    tally,
    running: 2,
    autoWorkers: null,
    budget: null,
    maxWorkers: 4,
  });

  assert.deepEqual(progress.counts, {
    total: 10,
    pending: 5,
    running: 2,
    succeeded: 3,
    failed: 0,
    notRun: 0,
  });
  assert.deepEqual([progress.promptsPerSecond, progress.etaSeconds], [2, 3.5]);
  assert.deepEqual([progress.paid.usage.total, progress.paid.costNanoUsd], [45, 21]);
});

test('knows no end while nothing has settled', () => {
  const progress = progressOf({
    state: 'running',
    pause: null,
    tally: newTally(3),
    running: 3,
    autoWorkers: null,
    budget: null,
    maxWorkers: 3,
  });
  assert.deepEqual([progress.promptsPerSecond, progress.etaSeconds], [0, null]);
});

test('the last word has the numbers of the report, no pause and nothing to wait for', () => {
  const before = progressOf({
    state: 'cancelling',
    pause,
    tally: newTally(3),
    running: 0,
    autoWorkers: null,
    budget: null,
    maxWorkers: 3,
  });
  const counts = { total: 3, pending: 0, running: 0, succeeded: 1, failed: 0, notRun: 2 };

  const last = endedProgress(before, { state: 'cancelled', counts, paid: receipt.paid });

  assert.deepEqual(
    [last.state, last.pause, last.counts, last.paid, last.etaSeconds],
    ['cancelled', null, counts, receipt.paid, null],
  );
});
