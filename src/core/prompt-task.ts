/** Arguments and results of the activities that work on the store. */
import type { Addition } from './batch-layout.ts';
import type { ControlNote, FinalState, Pause } from './progress.ts';
import type { Paid, FailureCounts } from './receipt.ts';
import type { LimitChanges } from './settings.ts';

/** Argument of `completePrompt`: which prompt. Its text and its limits are in the store. */
export interface PromptTask {
  batchId: string;
  run: number;
  /** How often the workflow has scheduled this prompt in this run, from 1. */
  turn: number;
  /** First of the turns over which faults and patience count: those before this one ended unsettled. Default: this turn. */
  since?: number;
  shard: number;
  /** Position in the batch, from 0. */
  index: number;
  promptId: string;
  /** What this turn may spend, known and possibly paid; `null`: no cap. */
  allowanceNanoUsd: number | null;
}

export interface OpenPrompt {
  /** Position in the batch, from 0. */
  index: number;
  id: string;
  completions: number;
  /** As in {@link Receipt}. */
  spentNanoUsd: number | null;
  /** What the missing completions can cost at most; `null` where the price is unknown. */
  worstCostNanoUsd: number | null;
  /** Highest turn of its records of this run; left out where it has none: a workflow that goes on from the ledger goes on counting. */
  lastTurn?: number;
}

/** Sums over prompts that are settled, and what was spent on all. */
export interface RunSum {
  succeeded: number;
  failed: number;
  /** Absent where an older version has told it. */
  failuresByType?: FailureCounts;
  /** Of the settled ones. */
  paid: Paid;
  /** Known and possibly paid, in integer nano-USD, of prompts that are still open too. What has no price counts nothing. */
  spentNanoUsd: number;
}

/** What `readShard` tells the workflow: prompts left to run, and what the ledger already settled. */
export interface ShardPlan {
  open: OpenPrompt[];
  /** By earlier runs. */
  before: RunSum;
  /** By this run: its shard may have been started before. */
  inRun: RunSum;
}

/** What `surveyShards` tells the workflow of the whole batch, before any shard is started. */
export interface BatchSurvey {
  /** Shards that have prompts left to run, in order. */
  open: number[];
  /** By earlier runs; of the other shards also by this one. */
  before: RunSum;
  /** Known and possibly paid by this run in open shards, by their numbers: in those that the batch worked on when it was small. */
  spentInRun?: Record<number, number>;
}

/** What `readShard` is asked. */
export interface ShardRequest {
  batchId: string;
  run: number;
  shard: number;
}

/** What `surveyShards` is asked. */
export interface SurveyRequest {
  batchId: string;
  run: number;
}

/** What `admitPrompts` is asked. */
export interface AdmitRequest {
  batchId: string;
  addition: Addition;
  control: ControlNote;
}

/** What `recordLimits` notes. */
export interface LimitsNote {
  batchId: string;
  changes: LimitChanges;
  control: ControlNote;
}

/** What `recordPause` notes. */
export interface PauseNote {
  batchId: string;
  run: number;
  /** `null`: the run is not paused. */
  pause: Pause | null;
  /** Pauses of the run that have ended and are not noted yet, ISO 8601. */
  ended: { since: string; until: string }[];
  /** The control that asked for it; absent: the batch itself did. */
  control?: ControlNote;
}

/** What `writeReport` is asked. */
export interface ReportRequest {
  batchId: string;
  run: number;
  state: FinalState;
  /** ISO 8601, UTC, by the workflow's clock. */
  endedAt: string;
}
