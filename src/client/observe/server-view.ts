/** What the Temporal server knows of a batch, asked without needing a worker. */
import { type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { taskQueueOf } from '../../core/batch-layout.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { isCourier, isProvenDead, workerIdentity } from '../../system/worker-identity.ts';
import type { Temporal } from '../connect/temporal.ts';
import { type BatchMemo, toBatchMemo } from './told-by-server.ts';

export type ServerView =
  | { kind: 'absent' }
  | { kind: 'open' | 'closed'; runId: string; memo: BatchMemo; description: WorkflowExecutionDescription };

/** Pollers are remembered for minutes; a long poll lasts one. */
const POLLER_FRESH_MS = 90_000;
const WORKFLOW_TASK_QUEUE = 1;

export async function viewOf({ client }: Pick<Temporal, 'client'>, batchId: string): Promise<ServerView> {
  try {
    const description = await client.workflow.getHandle(batchId).describe();
    const memo = toBatchMemo(description.memo);
    return {
      kind: isOpenWorkflow(description) ? 'open' : 'closed',
      runId: description.runId,
      memo,
      description,
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'absent' };
    throw error;
  }
}

/** `null`: the server does not answer for now. */
export const viewWithin = (temporal: Temporal, batchId: string, askMs: number): Promise<ServerView | null> =>
  temporal.client.withDeadline(Date.now() + askMs, () => viewOf(temporal, batchId)).catch(() => null);

export const isOpenWorkflow = ({ status }: Pick<WorkflowExecutionDescription, 'status'>): boolean =>
  status.name === 'RUNNING' || status.name === 'PAUSED';

/**
 * The open workflows of the batch: its own, and those of its shards. One that ends meanwhile is left out.
 * A child may be named before it is known on the server: it has nothing under way then.
 */
export async function openWorkflows(
  { client }: Pick<Temporal, 'client'>,
  view: ServerView,
): Promise<WorkflowExecutionDescription[]> {
  if (view.kind !== 'open') return [];
  const shards = await Promise.all(
    (view.description.raw.pendingChildren ?? []).map(async ({ workflowId, runId }) => {
      try {
        return await client.workflow.getHandle(workflowId!, runId!).describe();
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      }
    }),
  );
  return [view.description, ...shards.filter((shard) => shard?.status.name === 'RUNNING')].filter(
    (workflow) => workflow !== null,
  );
}

/** Whether the view is of this very store, and not of another one that knows a batch by the same id. */
export const isOf = (view: ServerView, store: BatchStore): boolean =>
  view.kind !== 'absent' && view.memo.store?.uuid === store.location.uuid;

/** Whether another process that is not proven dead polls for this batch. */
export const hasLiveWorker = (temporal: Temporal, store: BatchStore): Promise<boolean> =>
  isPolled(temporal, taskQueueOf(store.location, store.batchId));

/** As {@link hasLiveWorker}, where only the batch's task queue is known. */
export async function isPolled({ client, namespace }: Temporal, taskQueue: string): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: WORKFLOW_TASK_QUEUE,
  });
  const now = Date.now();
  const own = workerIdentity();
  return (pollers ?? []).some(({ identity, lastAccessTime }) => {
    const seenMs = Number(lastAccessTime?.seconds ?? 0) * 1000;
    const who = identity ?? '';
    return now - seenMs < POLLER_FRESH_MS && who !== own && !isCourier(who) && !isProvenDead(who);
  });
}
