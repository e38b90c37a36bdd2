import type { BatchInput, ReceivedPace, Tally } from '../core/batch-input.ts';
import type { BatchLayout } from '../core/batch-layout.ts';
import type { BatchOutcome } from '../core/outcome.ts';
import type { RunLimits } from '../core/settings.ts';
import type { BatchEnd } from './display/progress.ts';
import { newTally } from './tally.ts';

/** State of one execution of `promptBatch`, shared by its work and its update handlers. */
export interface BatchState {
  layout: BatchLayout;
  limits: RunLimits;
  tally: Tally;
  /** Failures that do not count against `--max-failures`, because the batch was resumed after them. */
  forgiven: number;
  /** What its workers have reported of their pace. */
  paces: readonly ReceivedPace[];
  isCancelled: boolean;
  /** The cancel does not wait for the prompts in progress. */
  skipsGrace: boolean;
  /** All prompts are done: the report is written next. */
  isClosing: boolean;
  /** Set once the report is written. */
  outcome: BatchOutcome | null;
  /** Set once the batch is over, with or without a report. */
  end: BatchEnd | null;
  /** Additions that are being taken in. */
  adding: number;
  /** How many additions were taken in. */
  additions: number;
}

/** Returns the state at the beginning of an execution: new, or as the one before handed it over. */
export const newBatchState = ({
  prompts,
  shards,
  shardSize,
  parts,
  settings,
  carried,
}: BatchInput): BatchState => ({
  layout: { prompts, shards, shardSize, ...(parts && { parts }) },
  limits: carried?.limits ?? settings.limits,
  tally: carried?.tally ?? newTally(prompts),
  forgiven: carried?.forgiven ?? 0,
  paces: carried?.paces ?? [],
  isCancelled: false,
  skipsGrace: carried?.cancelNow ?? false,
  isClosing: false,
  outcome: null,
  end: null,
  adding: 0,
  additions: 0,
});
