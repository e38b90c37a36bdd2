import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunLimits } from '../../src/core/settings.ts';
import type { CompletionApi } from '../../src/providers/completion-api.ts';
import { sharedApis } from '../../src/providers/shared-apis.ts';
import { limits, settingsFor } from './settings.ts';

const settings = settingsFor('openai-compatible', 'http://127.0.0.1:1/v1');

/** What `set` and `resume` may change of each limit, and whether another API is needed for it. */
const changes: Record<keyof RunLimits, [change: Partial<RunLimits>, another: boolean]> = {
  maxWorkers: [{ maxWorkers: 77 }, false],
  autoWorkers: [{ autoWorkers: true }, false],
  account: [{ account: { name: 'other', requestsPerMinute: 5, tokensPerMinute: null } }, false],
  maxAttempts: [{ maxAttempts: 9 }, false],
  requestTimeoutMs: [{ requestTimeoutMs: 7777 }, false],
  idleTimeoutMs: [{ idleTimeoutMs: 7777 }, false],
  patienceMs: [{ patienceMs: 7777 }, false],
  rejectTruncated: [{ rejectTruncated: true }, false],
  retryEmpty: [{ retryEmpty: true }, false],
  maxFailures: [{ maxFailures: { count: 3 } }, false],
  maxCostNanoUsd: [{ maxCostNanoUsd: 5_000_000 }, false],
  prices: [{ prices: { input: 1, output: 2, cached: 1 } as unknown as RunLimits['prices'] }, false],
  apiKeyEnv: [{ apiKeyEnv: 'ANOTHER_KEY' }, true],
  simulateLatencyMs: [{ simulateLatencyMs: 7777 }, true],
  simulateErrors: [{ simulateErrors: 0.5 }, true],
};

for (const [name, [change, another]] of Object.entries(changes)) {
  test(`a new ${name} ${another ? 'needs another API' : 'leaves the API as it is'}`, () => {
    const made: CompletionApi[] = [];
    const apiOf = sharedApis(() => {
      made.push({} as CompletionApi);
      return made.at(-1)!;
    });
    const first = apiOf(settings, limits);
    // Read from JSON again, as tasks are.
    const copy = JSON.parse(JSON.stringify({ settings, limits })) as {
      settings: typeof settings;
      limits: typeof limits;
    };
    assert.equal(apiOf(copy.settings, copy.limits), first);
    assert.equal(apiOf(settings, { ...limits, ...change }) !== first, another);
    assert.equal(apiOf(settings, limits), first);
    assert.equal(made.length, another ? 2 : 1);
  });
}
