import type { ProviderName, RequestSettings, RunLimits } from '../../src/core/settings.ts';
import { createCompletionApi, type CompletionRequest } from '../../src/providers/completion-api.ts';

export const settingsFor = (provider: ProviderName, baseUrl: string): RequestSettings => ({
  provider,
  baseUrl,
  model: 'test-model',
  temperature: 0.7,
  topP: 0.9,
  maxTokens: 64,
  completions: 2,
  thinking: false,
});

export const limits: RunLimits = {
  maxWorkers: 3,
  maxAttempts: 6,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 60_000,
  patienceMs: 60_000,
  rejectTruncated: false,
  retryEmpty: false,
  maxFailures: null,
  maxCostNanoUsd: null,
  prices: null,
  apiKeyEnv: 'TEST_API_KEY',
  simulateLatencyMs: 0,
  simulateErrors: 0,
};

export const API_KEY = 'sk-test-0123456789abcdef';

export const requestFor = (prompt: string, more: Partial<CompletionRequest> = {}): CompletionRequest => ({
  model: 'test-model',
  messages: [{ role: 'user', content: prompt }],
  temperature: 0.7,
  topP: 0.9,
  maxTokens: 64,
  n: 1,
  thinking: false,
  promptId: 'p1',
  samples: [1],
  ...more,
});

export const chatApi = (
  baseUrl: string,
  provider: ProviderName = 'openai-compatible',
  apiKey: string = API_KEY,
) => createCompletionApi(settingsFor(provider, baseUrl), limits, apiKey);

/** Generous timeouts: what is not tested must not fire. */
export const patient = (signal: AbortSignal = new AbortController().signal) => ({
  signal,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 60_000,
});
