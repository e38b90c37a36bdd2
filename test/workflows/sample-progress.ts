import type { Progress } from '../../src/core/progress.ts';

export const sampleProgress: Progress = {
  state: 'running',
  pause: null,
  counts: { total: 8, pending: 3, running: 2, succeeded: 2, failed: 1, notRun: 0 },
  paid: {
    usage: { prompt: 10, completion: 5, total: 15, cached: 0, reasoning: 0 },
    costNanoUsd: 1_234_500_000,
  },
  promptsPerSecond: 2.5,
  etaSeconds: 1.2,
  maxWorkers: 2,
  autoWorkers: null,
  budget: null,
  lastFailures: [],
  failuresByType: { 'Completion.Rejected': 1 },
};
