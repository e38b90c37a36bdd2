/** How a batch stands: its states, pauses, controls and counts. */
import type { Paid, FailureType, FailureCounts } from './receipt.ts';
import type { RunLimits } from './settings.ts';

export const pauseReasonNames = ['operator', 'account', 'budget', 'failures', 'provider', 'storage'] as const;

export type PauseReason = (typeof pauseReasonNames)[number];

export interface Pause {
  reason: PauseReason;
  /** What happened, in words a person can act on. */
  message: string;
  /** ISO 8601, UTC. */
  since: string;
  /** Who asked for it, as `ann@laptop`; absent where the batch paused itself. */
  by?: string;
  /** The least cost cap under which the next prompt may start, in integer nano-USD; only of a pause for the budget. */
  neededNanoUsd?: number;
  /** An answer cost more than its request could cost: the cap may still have room. Only of a pause for the budget. */
  overcharged?: true;
}

/** Who asks for a control of a batch, and why. */
export interface Requester {
  /** As `ann@laptop`. */
  by: string;
  /** In the asker's words; `null`: none were given. */
  reason: string | null;
}

/** A control that was accepted, as it is kept beside the batch. */
export interface ControlNote {
  /** What is noted twice happened once. */
  id: string;
  control: 'pause' | 'resume' | 'set' | 'add' | 'cancel';
  /** ISO 8601, UTC. */
  at: string;
  /** As in {@link Requester}; `null`: nobody said. */
  by: string | null;
  reason: string | null;
  /** Of `set`; of a `resume` where no worker was, also those that never go through Temporal. */
  changes?: Partial<RunLimits>;
  /** Of `add`: how many prompts, and the hash of what was added. */
  prompts?: number;
  sha256?: string;
}

/** What a workflow can say of itself. */
export type RunState = 'running' | 'paused' | 'cancelling' | FinalState;

export type FinalState = 'succeeded' | 'partly_failed' | 'cancelled';

/**
 * An open batch that no worker is on: `waiting` (none has come in this run), `stopped` (its worker ended and left nothing in flight) or
 * `crashed` (its worker vanished). Only an outside observer can tell.
 */
export type BatchState = (typeof batchStates)[number];

/** In the order in which help names them. */
export const batchStates = [
  ...(['running', 'paused', 'cancelling', 'waiting', 'stopped', 'crashed'] as const),
  ...(['succeeded', 'partly_failed', 'cancelled'] as const),
] as const satisfies readonly (RunState | 'waiting' | 'stopped' | 'crashed')[];

export interface Counts {
  total: number;
  /** Not started, or put back. */
  pending: number;
  /** In progress, those waiting to be retried included. */
  running: number;
  succeeded: number;
  failed: number;
  /** Never run, in a cancelled batch. */
  notRun: number;
}

/** The answer of the `progress` query. */
export interface Progress {
  state: RunState;
  pause: Pause | null;
  counts: Counts;
  paid: Paid;
  /** Prompts settled per second of late, in this run; 0 until there is a second of them. */
  promptsPerSecond: number;
  /** Seconds to the end, from the moment of the newest settled prompt; `null` where nobody can tell. */
  etaSeconds: number | null;
  maxWorkers: number;
  /** How many of them are lent at present, and why not more or fewer; `null`: all of them, always. */
  autoWorkers: { slots: number; ceiling: number; reason: string } | null;
  /** In integer nano-USD; `null`: there is no cap. */
  budget: { maxCostNanoUsd: number; spentNanoUsd: number; reservedNanoUsd: number } | null;
  /** Newest first, at most 5. */
  lastFailures: { promptId: string; type: FailureType; message: string }[];
  /** Of all runs, like the counts. */
  failuresByType: FailureCounts;
}
