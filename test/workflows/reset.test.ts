import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchOutcome } from '../../src/core/outcome.ts';
import {
  createGate,
  scriptActivities,
  startWorkflowHarness,
  succeeded,
  until,
  type WorkflowHarness,
} from '../support/workflow-harness.ts';

let harness: WorkflowHarness;
before(async () => (harness = await startWorkflowHarness()));
after(() => harness.stop());

const WORKFLOW_TASK_COMPLETED = 7;

/** Resets a large batch in the middle of its work, as somebody can in the Web UI, to one of its workflow tasks. */
async function resetTo(t: TestContext, pick: (tasks: number[]) => number): Promise<BatchOutcome> {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 40,
    shards: 4,
    complete: async ({ index }) => {
      await (index % 10 >= 5 ? gate.opened : sleep(100));
      return succeeded();
    },
  });
  const { handle } = await harness.run(t, script, { limits: { maxWorkers: 8 } });
  await until(() => script.running === 8);
  const { workflowId } = handle;
  const { events } = await handle.fetchHistory();
  const tasks = events!
    .filter(({ eventType }) => Number(eventType) === WORKFLOW_TASK_COMPLETED)
    .map(({ eventId }) => Number(eventId));
  const { runId } = await handle.describe();
  await harness.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId, runId },
    reason: 'to see what happens',
    workflowTaskFinishEventId: pick(tasks) as never,
    requestId: randomUUID(),
  });
  gate.open();
  return harness.client.workflow.getHandle(workflowId).result() as Promise<BatchOutcome>;
}

test('a large batch that is reset ends those of its shards that do not hear it, and finishes', async (t) => {
  const outcomes = await Promise.all([
    resetTo(t, (tasks) => tasks[Math.floor(tasks.length / 2)]!),
    resetTo(t, (tasks) => tasks.at(-1)!),
  ]);
  assert.deepEqual(
    outcomes.map(({ state, counts }) => [state, counts.succeeded]),
    [
      ['succeeded', 40],
      ['succeeded', 40],
    ],
  );
});
