import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendUpdate } from '../../src/client/control/send-update.ts';
import type { LimitChanges } from '../../src/core/settings.ts';
import type { Progress } from '../../src/core/progress.ts';
import { resumeUpdate, setUpdate } from '../../src/workflows/messages.ts';
import {
  finalFailure,
  PAID,
  type RunningBatch,
  scriptActivities,
  startWorkflowHarness,
  succeeded,
  type WorkflowHarness,
} from '../support/workflow-harness.ts';

/** The server asks for a new execution after so few events that a handful of shards are enough. */
let harness: WorkflowHarness;
before(async () => (harness = await startWorkflowHarness({ 'limit.historyCount.suggestContinueAsNew': 60 })));
after(() => harness.stop());

async function executionsOf({ handle }: RunningBatch): Promise<string[]> {
  const runIds: string[] = [];
  const query = `WorkflowId = "${handle.workflowId}"`;
  for await (const { runId } of harness.client.workflow.list({ query })) runIds.push(runId);
  return runIds;
}

/** As the client sends it: a new execution that begins at this moment may have it sent again. */
const resume = ({ handle }: RunningBatch): Promise<unknown> => {
  const updateId = randomUUID();
  return sendUpdate(handle, () => handle.executeUpdate(resumeUpdate, { args: [null], updateId }));
};

test('a long batch goes on in new executions, with its totals, and every prompt runs once', async (t) => {
  const script = scriptActivities({
    prompts: 60,
    shards: 20,
    complete: async () => {
      await sleep(10);
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 4 } });

  const outcome = await batch.result();
  const last = await batch.progress();
  const { memo } = await batch.handle.describe();

  assert.equal(outcome.counts.succeeded, 60);
  assert.deepEqual(
    script.tasks.map(({ index }) => index).sort((a, b) => a - b),
    Array.from({ length: 60 }, (_, n) => n),
  );
  assert.deepEqual([script.surveys, script.reports.length], [[1], 1]);
  assert.ok(script.peak <= 4);
  assert.ok((await executionsOf(batch)).length > 1, 'it was one execution');
  assert.deepEqual([last.counts.succeeded, memo?.['state'], memo?.['origin']], [60, 'succeeded', 'kept']);
});

test('updates and queries are answered across the executions, and none is lost', async (t) => {
  const script = scriptActivities({
    prompts: 90,
    shards: 30,
    complete: async () => {
      await sleep(20);
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 3 } });
  let workers = 3;
  const end = { isThere: false };
  const ended = batch.result().finally(() => (end.isThere = true));
  while (!end.isThere) {
    workers = workers === 3 ? 4 : 3;
    const options = { args: [{ maxWorkers: workers }] as [LimitChanges], updateId: randomUUID() };
    const { maxWorkers } = await sendUpdate(batch.handle, () =>
      batch.handle.executeUpdate(setUpdate, options),
    ).catch(async (error: Error) => {
      const message = error.cause instanceof Error ? error.cause.message : error.message;
      const isOver = end.isThere || (await batch.handle.describe()).status.name === 'COMPLETED';
      // Only the batch's end may refuse one.
      if (isOver || /ended|just ending/.test(message)) return { maxWorkers: workers };
      throw error;
    });
    assert.equal(maxWorkers, workers);
    assert.ok((await batch.progress()).counts.succeeded >= 0);
  }
  assert.equal((await ended).counts.succeeded, 90);
  assert.ok((await executionsOf(batch)).length > 1, 'it was one execution');
});

test('a pause and its forgiven failures go along', async (t) => {
  const script = scriptActivities({
    prompts: 60,
    shards: 20,
    complete: async ({ index, turn }) => {
      await sleep(10);
      if (index === 50 && turn === 1) throw finalFailure('Completion.AccountBlocked', 'no balance');
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 4 } });
  const halted = await batch.until(({ state, counts }) => state === 'paused' && counts.running === 0);
  assert.ok(halted.counts.succeeded > 30);
  await resume(batch);
  const outcome = await batch.result();
  assert.equal(outcome.counts.succeeded, 60);
  assert.equal(outcome.paid.usage.total, PAID.usage.total);
});

test('a small batch that is paused and resumed time and again goes on in a new execution, still paused', async (t) => {
  let isRefused = true;
  const script = scriptActivities({
    prompts: 4,
    complete: async () => {
      if (isRefused) throw finalFailure('Completion.AccountBlocked', 'no balance');
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 4 } });
  const isPaused = ({ state, counts }: Progress): boolean => state === 'paused' && counts.running === 0;
  while ((await executionsOf(batch)).length < 2) {
    await batch.until(isPaused);
    await resume(batch);
  }
  const paused = await batch.until(isPaused);
  assert.deepEqual([paused.pause?.reason, paused.counts.pending], ['account', 4]);
  isRefused = false;
  await resume(batch);
  const outcome = await batch.result();
  assert.deepEqual([outcome.state, outcome.counts.succeeded], ['succeeded', 4]);
});
