import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ActivityFailure, ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { cancelNowUpdate } from '../../src/workflows/messages.ts';
import { WorkflowFailedError } from '@temporalio/client';
import {
  createGate,
  type ScriptedActivities,
  scriptActivities,
  startWorkflowHarness,
  succeeded,
  until,
  vanish,
  type WorkflowHarness,
} from '../support/workflow-harness.ts';

let harness: WorkflowHarness;
before(async () => (harness = await startWorkflowHarness()));
after(() => harness.stop());

test('another worker goes on where one was killed, and runs again only what was in progress', async (t) => {
  const killed = createGate();
  let dead = false;
  const script = scriptActivities({
    prompts: 5,
    complete: async ({ index }) => {
      if (dead || index < 2) return succeeded();
      await killed.opened;
      return vanish();
    },
  });
  const batch = await harness.run(t, script);
  await batch.until(({ counts }) => counts.succeeded === 2 && counts.running === 2);
  await until(() => script.tasks.length === 4);

  killed.open();
  await batch.stopWorker();
  dead = true;
  await batch.startWorker();
  const outcome = await batch.result();

  assert.equal(outcome.state, 'succeeded');
  const timesAsked = [0, 1, 2, 3, 4].map(
    (index) => script.tasks.filter((task) => task.index === index).length,
  );
  assert.deepEqual(timesAsked, [1, 1, 2, 2, 1]);
  assert.deepEqual(new Set(script.tasks.map(({ turn }) => turn)), new Set([1]), 'nothing was put back');
});

test('cancelled at once under a dead worker it waits for the heartbeat timeout only, and runs nothing again', async (t) => {
  const script = scriptActivities({ prompts: 2, complete: vanish });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });
  await until(() => script.tasks.length === 1);

  await batch.handle.executeUpdate(cancelNowUpdate);
  await batch.handle.cancel();
  await assert.rejects(
    batch.result(),
    (error: Error) => error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure,
  );

  assert.deepEqual([script.tasks.length, script.reports[0]?.state, script.notes], [1, 'cancelled', []]);
});

test('workers that die again and again while the report is written do not pause the batch', async (t) => {
  let deaths = 0;
  const script = scriptActivities({
    prompts: 1,
    // As the sweep at start-up fails what a dead worker had in hand.
    beforeReport: () => {
      if (deaths++ < 4) throw ApplicationFailure.create({ type: 'Worker.Died', nextRetryDelay: 1 });
    },
  });
  const batch = await harness.run(t, script);

  assert.equal((await batch.result()).state, 'succeeded');
  assert.deepEqual([script.reports.length, script.notes], [5, []]);
});

test('a bug in the workflow ends the run and says what it is, instead of being retried unseen', async (t) => {
  const script: ScriptedActivities = scriptActivities({
    prompts: 1,
    // No such receipt exists: folding it throws.
    complete: () => ({ ...succeeded(), paid: null }) as never,
  });
  const batch = await harness.run(t, script);

  await assert.rejects(
    batch.result(),
    (error: Error) =>
      error instanceof WorkflowFailedError &&
      !(error.cause instanceof ActivityFailure) &&
      /null/.test(error.cause?.message ?? ''),
  );
});
