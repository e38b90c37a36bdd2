/** What a batch and its shards tell each other. */
import type { Tally } from './batch-input.ts';
import type { StoreLocation } from './batch-layout.ts';
import type { PauseReason } from './progress.ts';
import type { RunLimits } from './settings.ts';

/** Argument of the `promptShard` workflow. */
export interface ShardInput {
  batchId: string;
  run: number;
  store: StoreLocation;
  shard: number;
  /** Which execution of this shard in this run it is, from 1: a shard that dies is started again. */
  execution: number;
  loan: ShardLoan;
  /** How far apart, in ms, reports stand that only bring news of settled prompts. Default: 1000. */
  newsEveryMs?: number;
}

/**
 * What a batch lends one of its shards, from its start on. Totals only grow and the rest is absolute, so
 * that the newest message says all that the ones before it did.
 */
export interface ShardLoan {
  /** Counts the loan's messages. */
  version: number;
  /** Slots lent in all. */
  slots: number;
  /** How many of the slots it holds it may go on using; what is above that comes back as prompts finish. */
  keepSlots: number;
  /** Money lent in all for what its prompts may spend, in integer nano-USD; `null`: there is no cap. */
  nanoUsd: number | null;
  /** What it may keep unreserved money for: all its prompts, those that its slots take next, or nothing. */
  keepMoneyFor: 'queue' | 'slots' | 'nothing';
  limits: RunLimits;
  /** How often a pause of the batch was lifted. */
  lifts: number;
  /** `drain`: start nothing more and let what runs finish; `now`: do not let it finish. */
  stop: 'no' | 'drain' | 'now';
}

/** What a shard tells of its loan and its prompts. Totals, as in {@link ShardLoan}. */
export interface ShardReport {
  execution: number;
  /** Version of the newest loan it has seen. */
  loan: number;
  returnedSlots: number;
  returnedNanoUsd: number;
  /** Known and possibly paid before this execution, in this run; `null` until it has read that: `tally` is then of nothing too. */
  spentBeforeNanoUsd: number | null;
  /** Known and possibly paid since. */
  spentNanoUsd: number;
  reservedNanoUsd: number;
  /** Prompts in progress. */
  running: number;
  /** Nothing is left to start. */
  dry: boolean;
  /** A slot waits for money alone: how much is missing for the next prompt; `null` money: its price is unknown. */
  wants: { worstCostNanoUsd: number | null; missingNanoUsd: number } | null;
  /** Of this run. */
  tally: ShardTally;
  /** What stops its prompts, and at which count of lifts it happened. */
  halt: ShardHalt | null;
}

export type ShardTally = Pick<
  Tally,
  'succeeded' | 'failed' | 'paid' | 'lastFailures' | 'sameFailure' | 'failuresByType' | 'spans'
>;

export interface ShardHalt {
  reason: PauseReason;
  message: string;
  lifts: number;
}
