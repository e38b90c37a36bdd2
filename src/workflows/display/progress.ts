import type { BatchOutcome } from '../../core/outcome.ts';
import type { Pause, Progress, RunState } from '../../core/progress.ts';
import type { Tally } from '../../core/batch-input.ts';
import { etaSecondsOf } from './eta.ts';
import { shownRateOf } from '../pace.ts';
import { countsOf } from '../tally.ts';

/** What a batch that has ended says from then on. */
export type BatchEnd = Pick<BatchOutcome, 'state' | 'counts' | 'paid' | 'failuresByType'>;

export interface BatchFacts {
  state: RunState;
  pause: Pause | null;
  tally: Tally;
  /** Prompts in progress. */
  running: number;
  /** Of the prompts that wait; left out where nobody knows. */
  pendingCompletions?: number | null;
  maxWorkers: number;
  autoWorkers: Progress['autoWorkers'];
  budget: Progress['budget'];
}

export function progressOf({
  state,
  pause,
  tally,
  running,
  pendingCompletions = null,
  maxWorkers,
  autoWorkers,
  budget,
}: BatchFacts): Progress {
  const counts = countsOf(tally, running, false);
  const { pace, spans = null } = tally;
  return {
    state,
    pause,
    counts,
    paid: tally.paid,
    promptsPerSecond: shownRateOf(pace),
    etaSeconds: etaSecondsOf({
      ...{ pending: counts.pending, pendingCompletions, running: counts.running },
      ...{ slots: autoWorkers?.slots ?? maxWorkers, pace, spans },
    }),
    maxWorkers,
    autoWorkers,
    budget,
    lastFailures: [...tally.lastFailures],
    failuresByType: tally.failuresByType,
  };
}

/** The last word of a batch: the report's numbers, which come from the ledger, and nothing to wait for. */
export const endedProgress = (
  before: Progress,
  { state, counts, paid, failuresByType = before.failuresByType }: BatchEnd,
): Progress => ({
  ...before,
  state,
  pause: null,
  counts,
  paid,
  failuresByType,
  etaSeconds: null,
});
