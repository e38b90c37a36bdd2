import type { RequestSettings, RunLimits } from '../../core/settings.ts';

/** What `run` does when a flag is left out; address, model and key variable come from the provider instead. */
export const requestDefaults = {
  provider: 'deepseek',
  temperature: 0.7,
  topP: 0.9,
  maxTokens: 256,
  completions: 2,
  thinking: false,
} as const satisfies Omit<RequestSettings, 'baseUrl' | 'model'>;

export const limitDefaults: Omit<RunLimits, 'apiKeyEnv'> = {
  maxWorkers: 3,
  maxAttempts: 6,
  requestTimeoutMs: 600_000,
  idleTimeoutMs: 120_000,
  patienceMs: 3_600_000,
  rejectTruncated: false,
  retryEmpty: false,
  maxFailures: null,
  maxCostNanoUsd: null,
  prices: null,
  simulateLatencyMs: 100,
  simulateErrors: 0,
};

export const DEFAULT_OUTPUT_DIR = 'data/batch_results';

/** Prompts that a `worker` has in progress at once, over all its batches. */
export const DEFAULT_CONCURRENCY = 500;
