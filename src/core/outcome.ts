/** How a batch ended: the result of its workflow, which its manifest keeps. */
import type { FinalState, Counts } from './progress.ts';
import type { Paid, FailureType, FailureCounts } from './receipt.ts';

/** What `writeReport` answers, the workflow returns, and the manifest keeps. */
export interface BatchOutcome {
  state: FinalState;
  counts: Counts;
  /** Absent in manifests of older versions. */
  failuresByType?: FailureCounts;
  paid: Paid;
  /** Absolute paths. */
  resultsFile: string;
  csvFile: string;
  /** The prompts that failed, as a file to run; `null` if none did. */
  failuresFile: string | null;
  /** Sum over the batch's runs, without the time they were paused or had no worker. */
  durationSeconds: number;
  /** Absent in manifests of older versions, whose duration has it in it. */
  pausedSeconds?: number;
  /** Without a worker, and not paused. Absent as above. */
  idleSeconds?: number;
  /** Absent in manifests of older versions. */
  bill?: OutcomeBill;
  /** The most frequent first. Absent in manifests of older versions. */
  failures?: { type: FailureType; count: number; examples: { promptId: string; message: string }[] }[];
  /** What a reader of the numbers must know, one sentence each. */
  warnings: string[];
}

/** What became of the money, in a form that is the same in JSON. */
export interface OutcomeBill {
  kept: OutcomeAmount;
  discarded: OutcomeAmount;
  possiblyPaid: OutcomeAmount;
  cacheSaving: OutcomeAmount;
  reasoningTokens: number;
  reused: number;
}

/** A sum of amounts of which some may be unknown. */
export interface OutcomeAmount {
  /** Digits of an integer, which may be larger than a JSON number can tell exactly. */
  knownNanoUsd: string;
  known: number;
  unknown: number;
}
