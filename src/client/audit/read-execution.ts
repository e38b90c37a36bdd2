/** What one execution of a batch's or a shard's workflow says in its history. */
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { BatchInput } from '../../core/batch-input.ts';
import type { PromptTask } from '../../core/prompt-task.ts';
import type { Receipt, Unsettled } from '../../core/receipt.ts';
import type { HistoryEvent } from './histories.ts';

export interface WorkflowReceipt extends Receipt {
  run: number;
}

/** A prompt of a shard, by its position in the batch, and what the workflow was told of it. */
export interface PromptReceipt {
  shard: number;
  index: number;
  receipt: WorkflowReceipt;
}

export interface ShardExecution {
  shard: number;
  workflowId: string;
  runId: string;
}

export interface Execution {
  run: number;
  storeUuid: string;
  /** It came to its own end: not ended from outside, nor cancelled, nor continued as new. */
  completed: boolean;
  /** What it returned, if it is completed. */
  result: unknown;
  /** Run ids of the executions before and after it in the same run of the batch. */
  linked: string[];
  /** The workflows of shards that it started. */
  shards: ShardExecution[];
  receipts: PromptReceipt[];
}

/** `null`: nothing of ours has such an argument. */
export async function readExecution(events: AsyncIterable<HistoryEvent>): Promise<Execution | null> {
  let reading: ExecutionReading | null = null;
  for await (const event of events) {
    reading ??= beginning(event);
    if (!reading) return null;
    reading.take(event);
  }
  return reading && reading.execution;
}

/** What the arguments of `promptBatch` and `promptShard` have in common. */
type ExecutionInput = Pick<BatchInput, 'run' | 'store'>;

function beginning({
  workflowExecutionStartedEventAttributes: started,
}: HistoryEvent): ExecutionReading | null {
  const input = decode(started?.input?.payloads?.[0]) as Partial<ExecutionInput> | null;
  if (typeof input?.run !== 'number' || typeof input.store?.uuid !== 'string') return null;
  const before = started?.continuedExecutionRunId;
  return new ExecutionReading({
    run: input.run,
    storeUuid: input.store.uuid,
    completed: false,
    result: null,
    linked: before ? [before] : [],
    shards: [],
    receipts: [],
  });
}

class ExecutionReading {
  readonly execution: Execution;
  /** By the event that scheduled them. */
  readonly #tasks = new Map<string, PromptTask>();
  /** Shards by the event that asked for their workflow. */
  readonly #starting = new Map<string, number>();

  constructor(execution: Execution) {
    this.execution = execution;
  }

  take(event: HistoryEvent): void {
    this.#takeCompletion(event);
    this.#takeShard(event);
    this.#takeEnd(event);
  }

  #takeCompletion({
    eventId,
    activityTaskScheduledEventAttributes: scheduled,
    activityTaskCompletedEventAttributes: completed,
  }: HistoryEvent): void {
    if (scheduled?.activityType?.name === 'completePrompt') {
      this.#tasks.set(String(eventId), decode(scheduled.input?.payloads?.[0]) as PromptTask);
    }
    const task = completed && this.#tasks.get(String(completed.scheduledEventId));
    if (!task) return;
    this.#tasks.delete(String(completed.scheduledEventId));
    const receipt = decode(completed.result?.payloads?.[0]) as Receipt | Unsettled;
    if (receipt.status === 'unsettled') return;
    const { shard, index, run } = task;
    this.execution.receipts.push({ shard, index, receipt: { ...receipt, run } });
  }

  #takeShard({
    eventId,
    startChildWorkflowExecutionInitiatedEventAttributes: initiated,
    childWorkflowExecutionStartedEventAttributes: started,
  }: HistoryEvent): void {
    if (initiated) {
      const input = decode(initiated.input?.payloads?.[0]) as { shard: number };
      this.#starting.set(String(eventId), input.shard);
    }
    const shard = started && this.#starting.get(String(started.initiatedEventId));
    if (shard === undefined || shard === null) return;
    this.#starting.delete(String(started!.initiatedEventId));
    const { workflowId, runId } = started!.workflowExecution!;
    this.execution.shards.push({ shard, workflowId: workflowId!, runId: runId! });
  }

  #takeEnd(event: HistoryEvent): void {
    const completed = event.workflowExecutionCompletedEventAttributes;
    if (completed) {
      this.execution.completed = true;
      this.execution.result = decode(completed.result?.payloads?.[0]);
    }
    const end =
      event.workflowExecutionContinuedAsNewEventAttributes ??
      completed ??
      event.workflowExecutionFailedEventAttributes ??
      event.workflowExecutionTimedOutEventAttributes;
    if (end?.newExecutionRunId) this.execution.linked.push(end.newExecutionRunId);
  }
}

/** What our own workflows and activities were given and answered; `null` where there is nothing. */
const decode = (payload: Payload | null | undefined): unknown =>
  payload ? defaultPayloadConverter.fromPayload(payload) : null;
