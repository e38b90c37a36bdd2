/** What the Temporal server still holds of a batch's runs: their receipts and totals. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { BatchInput, BatchOutcome, PromptTask, Receipt, Unsettled } from '../../contract.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { Temporal } from '../temporal.ts';

export interface WorkflowReceipt extends Receipt {
  run: number;
}

export interface WorkflowRun {
  run: number;
  /** What it returned; `null` while it is open, and where it was cancelled or ended from outside. */
  outcome: BatchOutcome | null;
}

export interface WorkflowRecords {
  runs: WorkflowRun[];
  /** By the prompt's position in the batch. */
  receipts: Map<number, WorkflowReceipt[]>;
}

type History = Awaited<ReturnType<ReturnType<Temporal['client']['workflow']['getHandle']>['fetchHistory']>>;

/** All runs of this store's batch that the server has; none where it knows nothing of it. */
export async function readWorkflowRecords(
  { client }: Temporal,
  { batchId, location }: BatchStore,
): Promise<WorkflowRecords> {
  const records: WorkflowRecords = { runs: [], receipts: new Map() };
  for (const runId of await runIds(client, batchId)) {
    let history: History;
    try {
      history = await client.workflow.getHandle(batchId, runId).fetchHistory();
    } catch (error) {
      // Deleted, or past its retention, since it was listed.
      if (error instanceof WorkflowNotFoundError) continue;
      throw error;
    }
    addRun(records, history, location.uuid);
  }
  records.runs.sort((a, b) => a.run - b.run);
  return records;
}

/** The newest is asked for by itself: the list may lag behind. */
async function runIds(client: Temporal['client'], batchId: string): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { runId } of client.workflow.list({ query: `WorkflowId = "${batchId}"` })) ids.add(runId);
  try {
    ids.add((await client.workflow.getHandle(batchId).describe()).runId);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
  return ids;
}

/** Takes in one run's history. A batch of the same id in another store is none of ours. */
export function addRun({ runs, receipts }: WorkflowRecords, { events }: History, storeUuid: string): void {
  let input: BatchInput | null = null;
  let outcome: BatchOutcome | null = null;
  const tasks = new Map<string, PromptTask>();
  for (const event of events ?? []) {
    const started = event.workflowExecutionStartedEventAttributes;
    if (started) {
      input = decode(started.input?.payloads?.[0]) as BatchInput | null;
      if (input?.store.uuid !== storeUuid) return;
    }
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled?.activityType?.name === 'completePrompt') {
      const task = decode(scheduled.input?.payloads?.[0]) as PromptTask | null;
      if (task) tasks.set(String(event.eventId), task);
    }
    const completed = event.activityTaskCompletedEventAttributes;
    const task = completed && tasks.get(String(completed.scheduledEventId));
    const receipt = task && (decode(completed.result?.payloads?.[0]) as Receipt | Unsettled | null);
    if (receipt && receipt.status !== 'unsettled') {
      receipts.set(task.index, [...(receipts.get(task.index) ?? []), { ...receipt, run: task.run }]);
    }
    const ended = event.workflowExecutionCompletedEventAttributes;
    if (ended) outcome = decode(ended.result?.payloads?.[0]) as BatchOutcome | null;
  }
  if (input) runs.push({ run: input.run, outcome });
}

/** What our own workflow and activities were given and answered; `null` where there is nothing. */
const decode = (payload: Payload | null | undefined): unknown =>
  payload ? defaultPayloadConverter.fromPayload(payload) : null;
