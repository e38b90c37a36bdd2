import type { FinalState } from '../../core/progress.ts';

/** What a command's end means to a script. */
export const exitCodes = {
  succeeded: 0,
  unexpected: 1,
  usage: 2,
  partlyFailed: 3,
  cancelled: 4,
  paused: 5,
  interrupted: 130,
} as const;

export const exitCodeOf = (state: FinalState): number =>
  ({ succeeded: exitCodes.succeeded, partly_failed: exitCodes.partlyFailed, cancelled: exitCodes.cancelled })[
    state
  ];
