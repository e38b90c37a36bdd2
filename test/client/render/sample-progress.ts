import type { Progress } from '../../../src/core/progress.ts';

/** A batch of 1,000 at 312, and whatever a test wants otherwise. */
export const sampleProgress = (changes: Partial<Progress> = {}): Progress => ({
  state: 'running',
  pause: null,
  counts: { total: 1000, pending: 638, running: 50, succeeded: 310, failed: 2, notRun: 0 },
  paid: {
    usage: { prompt: 82_340, completion: 100_000, total: 182_340, cached: 0, reasoning: 0 },
    costNanoUsd: 41_234_567,
  },
  promptsPerSecond: 14.2,
  etaSeconds: 48,
  maxWorkers: 50,
  autoWorkers: null,
  budget: null,
  lastFailures: [],
  failuresByType: {},
  ...changes,
});
