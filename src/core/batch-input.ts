/** Argument of the `promptBatch` workflow, and the state that one execution hands to the next. */
import type { StoreLocation, BatchLayout } from './batch-layout.ts';
import type { Pause, Progress } from './progress.ts';
import type { Paid, FailureCounts } from './receipt.ts';
import type { RunLimits, BatchSettings } from './settings.ts';

/** Argument of the `promptBatch` workflow. */
export interface BatchInput extends BatchLayout {
  batchId: string;
  name: string;
  /** Machine on which this run was started: that of the store's path. */
  host?: string;
  /** Start of this run, ISO 8601, UTC. */
  startedAt?: string;
  /** The server has the search attributes of batches: an upsert of others would never end. Default: it has not. */
  hasSearchAttributes?: boolean;
  /** Which run of the batch this is, from 1. */
  run: number;
  store: StoreLocation;
  settings: BatchSettings;
  /** A pause that outlived the run before. */
  pause: Pause | null;
  /** What the execution before this one hands on; absent in the first of a run. */
  carried?: CarriedBatch;
}

/** The state of a batch of many shards at a time when none of them is open. */
export interface CarriedBatch {
  /** Shards that have prompts left to run, in order; `null`: the store is to be asked, and what its shards have settled is not in `tally`. */
  shards: number[] | null;
  /** `null`: as in `settings`, which has those of the run's beginning. */
  limits: RunLimits | null;
  tally: Tally;
  /** Failures that a resume has forgiven. */
  forgiven: number;
  /** Known and possibly paid, in integer nano-USD. */
  spentNanoUsd: number;
  /** How much of that this run has spent in `shards`, as in {@link BatchSurvey}. */
  spentInRun?: Record<number, number>;
  /** What its workers have told of their pace; absent where they have not. */
  paces?: readonly ReceivedPace[];
  /** Whether a cancel has been announced that does not wait for the prompts in progress. */
  cancelNow?: boolean;
}

/** What a workflow has counted of its prompts. */
export interface Tally {
  total: number;
  succeeded: number;
  failed: number;
  paid: Paid;
  /** How many had settled at some moments of late, oldest first. */
  pace: readonly PaceMark[];
  /** Newest first, at most 5. */
  lastFailures: Progress['lastFailures'];
  /** The one message of all failures so far; `null` once two differ. */
  sameFailure: string | null;
  failuresByType: FailureCounts;
  /** `null`, or left out: none has settled in this run. */
  spans?: Spans | null;
}

/** How long prompts were in progress of late. */
export interface Spans {
  /** Prompts that this is made from, up to a limit. */
  count: number;
  /** Time for one completion. */
  meanMs: number;
  /** Completions of a prompt, on average. */
  completions: number;
  /** Time of the slowest prompt; it fades with those after it. */
  slowestMs: number;
}

export interface PaceMark {
  /** ms since 1970, by the workflow's clock. */
  at: number;
  /** Prompts settled by then. */
  settled: number;
}

/** What one worker process found its provider to let through. The newest word counts. */
export interface WorkerPace {
  /** Identity of the process. */
  worker: string;
  /** Prompts in progress that it can put to use. */
  slots: number;
  /** Why not more or fewer, in a few words. */
  reason: string;
}

export interface ReceivedPace extends WorkerPace {
  /** ms since 1970, by the workflow's clock. */
  heardAt: number;
}
