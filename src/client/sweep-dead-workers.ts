import { ApplicationFailure, type WorkflowExecutionDescription } from '@temporalio/client';
import { isProvenDead } from '../worker-identity.ts';
import { openWorkflows, type ServerView } from './server-view.ts';
import type { Temporal } from './temporal.ts';

const ACTIVITY_STARTED = 2;

/**
 * Before a worker of ours polls: what a dead process of this machine had under way, in the batch and in
 * its shards, is given back at once, instead of after its heartbeat timeout. Never touches what a process
 * that may live has.
 */
export async function sweepDeadWorkers(temporal: Temporal, view: ServerView): Promise<void> {
  const workflows = await openWorkflows(temporal, view);
  await Promise.all(workflows.map((workflow) => sweep(temporal, workflow)));
}

async function sweep({ client, namespace }: Temporal, workflow: WorkflowExecutionDescription): Promise<void> {
  const { workflowId, runId } = workflow;
  const execution = { workflowId, runId };
  await client.workflowService.resetStickyTaskQueue({ namespace, execution });
  const orphans = (workflow.raw.pendingActivities ?? []).filter(
    ({ state, lastWorkerIdentity }) => state === ACTIVITY_STARTED && isProvenDead(lastWorkerIdentity ?? ''),
  );
  await Promise.all(
    orphans.map(async ({ activityId }) => {
      const failure = ApplicationFailure.create({
        type: 'Worker.Died',
        message: 'the worker died',
        nextRetryDelay: 1,
      });
      try {
        await client.activity.fail({ workflowId, runId, activityId: activityId! }, failure);
      } catch (error) {
        // The server came first: it has timed out, or its workflow has ended.
        if ((error as Error).name !== 'ActivityNotFoundError') throw error;
      }
    }),
  );
}
