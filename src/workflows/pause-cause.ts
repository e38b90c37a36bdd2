import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import type { TurnDetails } from '../activities/failures.ts';
import type { Pause, PauseReason } from '../core/progress.ts';
import { ownValue } from '../core/own-value.ts';
import { pauseReasons } from './policies.ts';

export type PauseCause = Pick<Pause, 'reason' | 'message' | 'neededNanoUsd' | 'overcharged'>;

/** Why a failed activity stops the batch, in the words of its own failure. Throws what is no activity's failure: a bug. */
export function causeOf(error: unknown): PauseCause {
  if (!(error instanceof ActivityFailure)) throw error;
  const { cause, message } = error;
  const type = cause instanceof ApplicationFailure ? cause.type : undefined;
  const reason = ownValue<PauseReason>(pauseReasons, type ?? '') ?? 'failures';
  return { reason, message: cause?.message ?? message };
}

/** What a failed turn's prompt has cost so far, in integer nano-USD; `null` where its failure does not tell. */
export function spentByFailure(error: unknown): number | null {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const details =
    cause instanceof ApplicationFailure ? (cause.details?.[0] as TurnDetails | undefined) : undefined;
  return details?.spentNanoUsd ?? null;
}

/** A pause in a few words: `operator, ann@laptop: lunch`. */
export const pauseText = ({ reason, message, by }: Pause): string =>
  `${by === undefined ? reason : `${reason}, ${by}`}: ${message}`;
