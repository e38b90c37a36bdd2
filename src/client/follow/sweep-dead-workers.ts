import {
  ActivityNotFoundError,
  ApplicationFailure,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { isProvenDead } from '../../system/worker-identity.ts';
import { openWorkflows, type ServerView, viewOf } from '../observe/server-view.ts';
import type { Temporal } from '../connect/temporal.ts';
import { failureTypes } from '../../core/failure-types.ts';

const ACTIVITY_STARTED = 2;
/** A server that takes longer is asked again. */
const SWEEP_MS = 10_000;

/**
 * Gives back at once what dead processes had under way in the batch and in its shards, instead of after their heartbeat
 * timeout. `isDead` judges by a worker's identity; by default a process of this machine is dead once its pid is gone.
 * Never touches what a process has that may live.
 */
export async function sweepDeadWorkers(
  temporal: Pick<Temporal, 'client' | 'namespace'>,
  view: ServerView,
  isDead: (identity: string) => boolean = isProvenDead,
): Promise<void> {
  const workflows = await openWorkflows(temporal, view);
  await Promise.all(workflows.map((workflow) => sweep(temporal, workflow, isDead)));
}

/** What a worker of a batch does when it finds others dead. */
export const sweeperOf =
  (temporal: Pick<Temporal, 'client' | 'namespace'>, batchId: string) =>
  (isDead: (identity: string) => boolean): Promise<void> =>
    temporal.client.withDeadline(Date.now() + SWEEP_MS, async () =>
      sweepDeadWorkers(temporal, await viewOf(temporal, batchId), isDead),
    );

async function sweep(
  { client, namespace }: Pick<Temporal, 'client' | 'namespace'>,
  workflow: WorkflowExecutionDescription,
  isDead: (identity: string) => boolean,
): Promise<void> {
  const { workflowId, runId } = workflow;
  const execution = { workflowId, runId };
  await client.workflowService.resetStickyTaskQueue({ namespace, execution });
  const orphans = (workflow.raw.pendingActivities ?? []).filter(
    ({ state, lastWorkerIdentity }) =>
      state === ACTIVITY_STARTED && !!lastWorkerIdentity && isDead(lastWorkerIdentity),
  );
  await Promise.all(
    orphans.map(async ({ activityId }) => {
      const failure = ApplicationFailure.create({
        type: failureTypes.workerDied,
        message: 'the worker died',
        nextRetryDelay: 1,
      });
      try {
        await client.activity.fail({ workflowId, runId, activityId: activityId! }, failure);
      } catch (error) {
        // The server came first: it has timed out, or its workflow has ended.
        if (!(error instanceof ActivityNotFoundError)) throw error;
      }
    }),
  );
}
