import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { mayBuy, toTurn } from '../../src/activities/prompt-turn.ts';
import type { Pause } from '../../src/core/progress.ts';
import { cancelledOutcome } from '../report/support/report-fixtures.ts';
import { BatchStore } from '../../src/store/batch-store.ts';
import { limits } from '../providers/settings.ts';
import { makeBatch } from '../store/support/batches.ts';
import { until } from '../support/until.ts';
import { toldTemporal } from './support/prompt-desk.ts';

const task = { batchId: 'b', run: 2, turn: 1, shard: 0, index: 0, promptId: 'a', allowanceNanoUsd: null };
const pause: Pause = { reason: 'operator', message: 'm', since: '2026-01-01T12:00:00.000Z' };
const since = Date.parse(pause.since);
const run = (number: number) => ({ run: number, started_at: '2026-01-01T00:00:00.000Z', limits });
const never = new AbortController().signal;

const batchOf = (t: TestContext, manifest: object): Promise<BatchStore> =>
  makeBatch(t, [{ prompt_id: 'a', prompt: 'Hi' }], { runs: [run(1), run(2)], ...manifest });

test('limits are those of the manifest, whatever a task says', async (t) => {
  const store = await batchOf(t, { limits: { ...limits, maxAttempts: 7 } });
  const forged = { ...task, limits: { ...limits, apiKeyEnv: 'AWS_SECRET_ACCESS_KEY', maxAttempts: 99 } };
  const turn = await toTurn(store, forged);
  assert.deepEqual(turn.limits, { ...limits, maxAttempts: 7 });
});

const cases = [
  { title: 'of a batch that is not paused', manifest: {}, scheduledAt: since + 1, may: true },
  { title: 'scheduled before the pause', manifest: { pause }, scheduledAt: since, may: true },
  { title: 'scheduled after the pause', manifest: { pause }, scheduledAt: since + 1, may: false },
];
for (const { title, manifest, scheduledAt, may } of cases) {
  test(`a task ${title} ${may ? 'may' : 'may not'} buy`, async (t) => {
    const store = await batchOf(t, manifest);
    assert.equal(await mayBuy(store, task, { attempt: 1, scheduledAt }, never), may);
  });
}

test('a task that overtakes the note of its resume waits for that', async (t) => {
  const store = await batchOf(t, { pause });
  await store.manifest();
  const asked = mayBuy(store, task, { attempt: 1, scheduledAt: since + 1 }, never);
  const elsewhere = new BatchStore(store.location, store.batchId, 'another process');
  await elsewhere.updateManifest((manifest) => ({ ...manifest, pause: null }));
  assert.equal(await asked, true);
});

test('where a batch goes on and its manifest stays paused, that is a fault of the store', async (t) => {
  const store = await batchOf(t, { pause });
  const last = { ...task, turn: 31, since: 1 };
  await assert.rejects(
    mayBuy(store, last, { attempt: 1, scheduledAt: since + 1 }, never),
    /its resume could not be noted/,
  );
});

const outcome = cancelledOutcome;
const over = [
  { title: 'that is not the newest', runs: [run(1), run(2), run(3)] },
  { title: 'that has ended', runs: [run(1), { ...run(2), outcome }] },
];
for (const { title, runs } of over) {
  test(`a run ${title} buys nothing: first it waits a moment, then it pauses`, async (t) => {
    const store = await batchOf(t, { runs });
    const tell = (attempt: number): Promise<ReturnType<typeof toldTemporal>> =>
      mayBuy(store, task, { attempt, scheduledAt: 0 }, never).then(() => assert.fail(), toldTemporal);
    assert.equal((await tell(1)).type, 'Run.Overtaken');
    await assert.rejects(
      mayBuy(store, task, { attempt: 10, scheduledAt: 0 }, never),
      /another one has begun/,
    );
  });
}

test('many prompts that ask within a second read the manifest once', async (t) => {
  const store = await batchOf(t, {});
  await store.manifest();
  const elsewhere = new BatchStore(store.location, store.batchId, 'another process');
  await elsewhere.updateManifest((manifest) => ({ ...manifest, limits: { ...limits, maxAttempts: 9 } }));
  assert.equal((await toTurn(store, task)).limits.maxAttempts, limits.maxAttempts);
  await until(async () => (await toTurn(store, task)).limits.maxAttempts === 9, 'the change to be seen');
});
