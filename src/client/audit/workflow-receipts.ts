/** What the Temporal server still holds of a batch's runs: their totals, and their receipts shard by shard. */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { BatchOutcome } from '../../core/outcome.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { Histories } from './histories.ts';
import {
  type Execution,
  type PromptReceipt,
  readExecution,
  type ShardExecution,
  type WorkflowReceipt,
} from './read-execution.ts';

export interface WorkflowRun {
  run: number;
  /** What it returned; `null` while it is open, and where it was cancelled or ended from outside. */
  outcome: BatchOutcome | null;
  /** Every execution of the batch's own workflow in this run is there. */
  whole: boolean;
}

export interface ShardReceipts {
  /** By the prompt's position in the batch. */
  receipts: Map<number, WorkflowReceipt[]>;
  /** Runs in which one workflow saw every prompt of this shard to its end: whatever they settled has a receipt. */
  completeRuns: ReadonlySet<number>;
  /** Workflows of this shard that the server does not have (any more). */
  missing: number;
}

export interface WorkflowRecords {
  runs: WorkflowRun[];
  /** One more than the highest shard that there is a receipt or a workflow of. */
  shards: number;
  /** Reads what there is of one shard. Throws `HistoryError`. */
  ofShard(shard: number): Promise<ShardReceipts>;
}

/** What the batch's own workflow tells of one shard. */
interface ShardTrace {
  receipts: PromptReceipt[];
  workflows: (ShardExecution & { run: number })[];
}

/** All runs of this store's batch that the server has; none where it knows nothing of it. Throws `HistoryError`. */
export async function readWorkflowRecords(
  histories: Histories,
  { batchId, location }: Pick<BatchStore, 'batchId' | 'location'>,
): Promise<WorkflowRecords> {
  const runs = new Map<number, WorkflowRun>();
  const traces = new Map<number, ShardTrace>();
  const traceOf = (shard: number): ShardTrace => {
    const trace = traces.get(shard) ?? { receipts: [], workflows: [] };
    traces.set(shard, trace);
    return trace;
  };

  const broken = await readLinked(histories, batchId, await histories.runIds(batchId), (execution) => {
    if (execution.storeUuid !== location.uuid) return;
    const { run, completed, result } = execution;
    const outcome = completed ? (result as BatchOutcome) : (runs.get(run)?.outcome ?? null);
    runs.set(run, { run, outcome, whole: true });
    for (const receipt of execution.receipts) traceOf(receipt.shard).receipts.push(receipt);
    for (const workflow of execution.shards) traceOf(workflow.shard).workflows.push({ ...workflow, run });
  });
  for (const run of runs.values()) run.whole = !broken.has(run.run);

  return {
    runs: [...runs.values()].sort((a, b) => a.run - b.run),
    shards: Math.max(-1, ...traces.keys()) + 1,
    ofShard: (shard) =>
      readShard(histories, [...runs.values()], traces.get(shard) ?? { receipts: [], workflows: [] }),
  };
}

async function readShard(
  histories: Histories,
  runs: readonly WorkflowRun[],
  { receipts: known, workflows }: ShardTrace,
): Promise<ShardReceipts> {
  const receipts = new Map<number, WorkflowReceipt[]>();
  const take = ({ index, receipt }: PromptReceipt): void => {
    const others = receipts.get(index);
    if (others) others.push(receipt);
    else receipts.set(index, [receipt]);
  };
  known.forEach(take);

  const completeRuns = new Set<number>();
  let missing = 0;
  for (const { run, whole, outcome } of runs) {
    const ofRun = workflows.filter((workflow) => workflow.run === run);
    let absent = 0;
    let completed = 0;
    for (const { workflowId, runId } of ofRun) {
      let found = false;
      const broken = await readLinked(histories, workflowId, [runId], (execution) => {
        found = true;
        if (execution.completed) completed++;
        execution.receipts.forEach(take);
      });
      if (!found || broken.size > 0) absent++;
    }
    missing += absent;
    // Of a workflow that died, prompts may have been settled that it never heard of.
    const sawAll = absent === 0 && completed === ofRun.length && ofRun.length <= 1;
    if (whole && outcome && sawAll) completeRuns.add(run);
  }
  return { receipts, completeRuns, missing };
}

/**
 * Visits executions of a workflow and those linked with them, whether the server listed them or not.
 * Answers the runs of which it lacks one.
 */
async function readLinked(
  histories: Histories,
  workflowId: string,
  runIds: Iterable<string>,
  visit: (execution: Execution) => void,
): Promise<ReadonlySet<number>> {
  const wanted = new Set(runIds);
  const absent = new Set<string>();
  const links: { run: number; linked: string }[] = [];
  // What is added to a set while it is walked through is walked through too.
  for (const runId of wanted) {
    const execution = await readIfThere(histories, workflowId, runId);
    if (!execution) {
      absent.add(runId);
      continue;
    }
    visit(execution);
    for (const linked of execution.linked) {
      wanted.add(linked);
      links.push({ run: execution.run, linked });
    }
  }
  return new Set(links.filter(({ linked }) => absent.has(linked)).map(({ run }) => run));
}

async function readIfThere(
  histories: Histories,
  workflowId: string,
  runId: string,
): Promise<Execution | null> {
  try {
    return await readExecution(histories.events(workflowId, runId));
  } catch (error) {
    // Deleted, or past its retention, since it was listed or started.
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
