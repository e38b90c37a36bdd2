/** The histories of workflows as the Temporal server tells them, a page at a time. */
import { isGrpcServiceError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import type { Temporal } from '../connect/temporal.ts';

type WorkflowHandle = ReturnType<Temporal['client']['workflow']['getHandle']>;
type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
export type HistoryEvent = NonNullable<History['events']>[number];

export interface Histories {
  /** Run ids of a workflow's executions: none where the server knows nothing of it. Throws {@link HistoryError}. */
  runIds(workflowId: string): Promise<ReadonlySet<string>>;
  /** From its first event. Throws `WorkflowNotFoundError`, also in the middle, or {@link HistoryError}. */
  events(workflowId: string, runId: string): AsyncIterable<HistoryEvent>;
}

/** The server does not answer, or not with what was asked for. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';
}

/** Of gRPC. */
const NOT_FOUND = 5;

export function historiesOf({ client, namespace }: Temporal): Histories {
  return {
    runIds: async (workflowId) => {
      const ids = new Set<string>();
      try {
        const query = `WorkflowId = "${workflowId}"`;
        for await (const { runId } of client.workflow.list({ query })) ids.add(runId);
        // The list may lag behind: the newest is asked for by itself.
        ids.add((await client.workflow.getHandle(workflowId).describe()).runId);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw toHistoryError(error);
      }
      return ids;
    },

    async *events(workflowId, runId) {
      const execution = { workflowId, runId };
      let nextPageToken: Uint8Array | null | undefined;
      do {
        const page = await client.workflowService
          .getWorkflowExecutionHistory({ namespace, execution, nextPageToken: nextPageToken ?? null })
          .catch((error: unknown) => {
            if (isGrpcServiceError(error) && error.code === NOT_FOUND)
              throw new WorkflowNotFoundError(error.details, workflowId, runId);
            throw toHistoryError(error);
          });
        yield* page.history?.events ?? [];
        ({ nextPageToken } = page);
      } while (nextPageToken?.length);
    },
  };
}

function toHistoryError(error: unknown): unknown {
  const isServers = error instanceof ServiceError || isGrpcServiceError(error);
  return isServers ? new HistoryError(error.message, { cause: error }) : error;
}
