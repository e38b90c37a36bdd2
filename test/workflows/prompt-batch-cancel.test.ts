import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Context } from '@temporalio/activity';
import { CancelledFailure, WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { cancelNowUpdate, resumeUpdate } from '../../src/workflows/messages.ts';
import {
  createGate,
  finalFailure,
  type RunningBatch,
  scriptActivities,
  startWorkflowHarness,
  succeeded,
  until,
  type WorkflowHarness,
} from '../support/workflow-harness.ts';

let harness: WorkflowHarness;
before(async () => (harness = await startWorkflowHarness()));
after(() => harness.stop());

/** Waits for the end, which must be Temporal's own Canceled. */
async function cancelled(batch: RunningBatch): Promise<void> {
  await assert.rejects(
    batch.result(),
    (error: Error) => error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure,
  );
}

/** Activities that the workflow has asked to stop. */
async function cancelRequests({ handle }: RunningBatch): Promise<number> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).filter((event) => event.activityTaskCancelRequestedEventAttributes).length;
}

test('a cancelled batch lets its prompts in progress finish, starts none, and writes its report', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 5,
    complete: async () => {
      await gate.opened;
      return succeeded();
    },
  });
  const batch = await harness.run(t, script);
  await until(() => script.tasks.length === 2);

  await batch.handle.cancel();
  const grace = await batch.until(({ state }) => state === 'cancelling');
  const { memo } = await batch.handle.describe();
  gate.open();
  await cancelled(batch);
  const last = await batch.progress();

  assert.equal(await cancelRequests(batch), 0);
  assert.equal(grace.counts.running, 2);
  assert.equal(memo?.['state'], 'cancelling');
  assert.equal(script.tasks.length, 2);
  assert.deepEqual(
    script.reports.map(({ state }) => state),
    ['cancelled'],
  );
  assert.equal(last.state, 'cancelled');
  assert.deepEqual(last.counts, { total: 5, pending: 0, running: 0, succeeded: 2, failed: 0, notRun: 3 });
});

test('cancelled before its first step it buys nothing, and still writes its report', async (t) => {
  const script = scriptActivities({ prompts: 3 });
  const batch = await harness.run(t, script, { worker: false });
  await batch.handle.cancel();
  await batch.startWorker();

  await cancelled(batch);
  assert.deepEqual([script.tasks.length, script.reports[0]?.state], [0, 'cancelled']);
});

test('cancelled while its shards are read it reads no further and buys nothing', async (t) => {
  const gate = createGate();
  const script = scriptActivities({ prompts: 4, shards: 2, beforeRead: () => gate.opened });
  const batch = await harness.run(t, script);
  await until(() => script.reads.length === 1);

  await batch.handle.cancel();
  await batch.until(({ state }) => state === 'cancelling');
  gate.open();
  await cancelled(batch);

  assert.deepEqual([script.reads, script.tasks.length, script.reports.length], [[0], 0, 1]);
});

test('cancelled while paused it ends; resume is refused from then on', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 3,
    complete: () => {
      throw finalFailure('Completion.AccountBlocked', 'no balance');
    },
    beforeReport: () => gate.opened,
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });
  await batch.until(({ state, counts }) => state === 'paused' && counts.running === 0);

  await batch.handle.cancel();
  await batch.until(({ state }) => state === 'cancelling');
  await assert.rejects(
    batch.handle.executeUpdate(resumeUpdate, { args: [null] }),
    (error: Error) =>
      error instanceof WorkflowUpdateFailedError && /being cancelled/.test(error.cause?.message ?? ''),
  );
  gate.open();
  await cancelled(batch);
  const last = await batch.progress();

  assert.deepEqual([last.state, last.pause, last.counts.notRun], ['cancelled', null, 3]);
});

test('cancelled while its pause is being noted it waits for the note before the report', async (t) => {
  const gate = createGate();
  const order: string[] = [];
  const script = scriptActivities({
    prompts: 1,
    complete: () => {
      throw finalFailure('Completion.AccountBlocked', 'no balance');
    },
    beforeNote: async () => {
      await gate.opened;
      order.push('note');
    },
    beforeReport: () => void order.push('report'),
  });
  const batch = await harness.run(t, script);
  await batch.until(({ state }) => state === 'paused');

  await batch.handle.cancel();
  await batch.until(({ state }) => state === 'cancelling');
  gate.open();
  await cancelled(batch);

  assert.deepEqual(order, ['note', 'report']);
});

test('cancelled while a resume is still being noted, the resume is answered and the batch ends', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 2,
    complete: async ({ turn }) => {
      if (turn === 1) throw finalFailure('Completion.AccountBlocked', 'no balance');
      await gate.opened;
      return succeeded();
    },
    beforeNote: async (pause) => {
      if (!pause) await gate.opened;
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });
  await batch.until(({ state, counts }) => state === 'paused' && counts.running === 0);

  const resumed = batch.handle.executeUpdate(resumeUpdate, { args: [null] });
  await batch.until(({ state }) => state === 'running');
  await batch.handle.cancel();
  await batch.until(({ state }) => state === 'cancelling');
  gate.open();

  assert.equal((await resumed).state, 'cancelling');
  await cancelled(batch);
  assert.equal(script.reports.length, 1);
});

test('a prompt that would pause the batch during the grace is not_run, and pauses nothing', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 2,
    complete: async () => {
      await gate.opened;
      throw finalFailure('Completion.AccountBlocked', 'no balance');
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });
  await until(() => script.tasks.length === 1);

  await batch.handle.cancel();
  await batch.until(({ state }) => state === 'cancelling');
  gate.open();
  await cancelled(batch);

  assert.deepEqual([script.tasks.length, script.notes], [1, []]);
  assert.equal((await batch.progress()).counts.notRun, 2);
});

const waitingToBeRetried = (): never => {
  throw ApplicationFailure.create({
    type: 'Completion.Unavailable',
    message: 'busy',
    nextRetryDelay: '1 hour',
  });
};

for (const order of ['before', 'after'] as const) {
  test(`cancelNow ${order} the cancel ends a prompt that waits to be retried at once`, async (t) => {
    const script = scriptActivities({ prompts: 2, complete: waitingToBeRetried });
    const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });
    await until(() => script.tasks.length === 1);

    if (order === 'before') await batch.handle.executeUpdate(cancelNowUpdate);
    await batch.handle.cancel();
    if (order === 'after') {
      await batch.until(({ state }) => state === 'cancelling');
      assert.equal(await cancelRequests(batch), 0, 'without it the prompt has a minute');
      await batch.handle.executeUpdate(cancelNowUpdate);
    }
    await cancelled(batch);

    assert.equal(await cancelRequests(batch), 1);
    assert.equal(script.tasks.length, 1);
    assert.equal(script.reports[0]?.state, 'cancelled');
  });
}

test('cancelNow reaches a request on its way, and the batch waits until it has let go', async (t) => {
  let letGo = false;
  const script = scriptActivities({
    prompts: 1,
    complete: async () => {
      const context = Context.current();
      const beat = setInterval(() => context.heartbeat(), 500);
      try {
        return await context.cancelled;
      } finally {
        clearInterval(beat);
        letGo = true;
      }
    },
    beforeReport: () => assert.ok(letGo, 'the report came before the request was let go'),
  });
  const batch = await harness.run(t, script);
  await until(() => script.tasks.length === 1);

  await batch.handle.executeUpdate(cancelNowUpdate);
  await batch.handle.cancel();
  await cancelled(batch);

  assert.equal((await batch.progress()).counts.notRun, 1);
});

test('cancelled a second time it ends once, with one report', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 2,
    complete: async () => {
      await gate.opened;
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });
  await until(() => script.tasks.length === 1);

  await batch.handle.cancel();
  await batch.until(({ state }) => state === 'cancelling');
  await batch.handle.cancel();
  gate.open();
  await cancelled(batch);

  assert.equal(script.reports.length, 1);
});

test('a cancel that comes while the last report is written changes nothing: every prompt has its end', async (t) => {
  const gate = createGate();
  const script = scriptActivities({ prompts: 2, beforeReport: () => gate.opened });
  const batch = await harness.run(t, script);
  await until(() => script.reports.length === 1);

  await batch.handle.cancel();
  await batch.until(({ state }) => state === 'cancelling');
  gate.open();

  assert.equal((await batch.result()).state, 'succeeded');
  assert.equal((await batch.progress()).state, 'succeeded');
});

test('a cancelled batch whose report cannot be written ends as cancelled all the same', async (t) => {
  const script = scriptActivities({
    prompts: 3,
    complete: ({ index }) => {
      if (index === 1) throw finalFailure('Completion.AccountBlocked', 'no balance');
      return succeeded();
    },
    beforeReport: () => {
      throw finalFailure('Storage.Failed', 'disk full');
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });
  await batch.until(({ state, counts }) => state === 'paused' && counts.running === 0);

  await batch.handle.cancel();
  await cancelled(batch);
  const { memo } = await batch.handle.describe();
  const last = await batch.progress();

  assert.equal(memo?.['state'], 'cancelled');
  assert.deepEqual(last.counts, { total: 3, pending: 0, running: 0, succeeded: 1, failed: 0, notRun: 2 });
});

test('cancelled while it waits for a store that cannot be read it ends as cancelled', async (t) => {
  const script = scriptActivities({
    prompts: 2,
    beforeRead: () => {
      throw finalFailure('Storage.Failed', 'no such folder');
    },
  });
  const batch = await harness.run(t, script);
  await batch.until(({ state }) => state === 'paused');

  await batch.handle.cancel();
  await cancelled(batch);

  assert.deepEqual([script.tasks.length, script.reports[0]?.state], [0, 'cancelled']);
});
