import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toTurn } from '../../src/activities/prompt-turn.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { makeBatch } from '../store/support/batches.ts';
import { batchInput } from '../support/workflow-harness.ts';

const task = { batchId: 'b', run: 2, turn: 1, shard: 0, index: 0, promptId: 'a', allowanceNanoUsd: null };

test('a task without limits has those its run began with, also of a run this process has not heard of', async (t) => {
  const { limits } = batchInput('b', { prompts: 1 }).settings;
  const store = await makeBatch(t, [{ prompt_id: 'a', prompt: 'Hi' }]);
  await store.manifest();
  await assert.rejects(toTurn(store, task, 1), (error: Error) => {
    assert.ok(error instanceof StoreError);
    return /batch\.json has no run 2/.test(error.message);
  });
  const other = { ...limits, maxAttempts: 99 };
  await store.updateManifest((manifest) => ({
    ...manifest,
    limits: { ...limits, maxAttempts: 1 },
    runs: [{ run: 2, started_at: '2026-01-01T00:00:00.000Z', limits: other }],
  }));
  assert.equal((await toTurn(store, task, 1)).limits.maxAttempts, 99);
  const changed = { ...limits, maxAttempts: 7 };
  assert.equal((await toTurn(store, { ...task, limits: changed }, 1)).limits.maxAttempts, 7);
});

test('a retried task has the patience and the account that were set since', async (t) => {
  const { limits } = batchInput('b', { prompts: 1 }).settings;
  const account = { name: 'acme', requestsPerMinute: 60, tokensPerMinute: null };
  const store = await makeBatch(t, [{ prompt_id: 'a', prompt: 'Hi' }]);
  await store.updateManifest((manifest) => ({
    ...manifest,
    limits: { ...limits, patienceMs: 1, maxAttempts: 1, account },
  }));
  const old = { ...task, limits };
  assert.deepEqual((await toTurn(store, old, 1)).limits, limits);
  assert.deepEqual((await toTurn(store, old, 2)).limits, { ...limits, patienceMs: 1, account });
});
