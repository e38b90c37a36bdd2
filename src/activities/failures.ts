/** What an activity's failure is called, and what Temporal is to do next. */
import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from '@temporalio/common';
import type { RunLimits } from '../core/settings.ts';
import type { ProviderFault } from '../providers/provider-fault.ts';
import type { PromptState } from '../store/ledger/prompt-state.ts';
import { failureTypes } from '../core/failure-types.ts';

const MAX_BACKOFF_MS = 60_000;
const MIN_DELAY_MS = 100;

/**
 * What follows a provider's fault, besides its record: the prompt's end is decided from the ledger by
 * the next look at it, a retry waits in Temporal for `delayMs`, a pause stops the whole batch.
 */
export type AfterFault =
  | { then: 'decide' }
  | { then: 'retry'; delayMs: number }
  | { then: 'pause'; message: string };

/**
 * `promptState` is the prompt's before this fault, `now` ms since 1970, `random` from 0 up to 1.
 * Rejected and exhausted prompts end, an unavailable provider is waited for, a blocked account pauses.
 */
export function afterFault(
  fault: Pick<ProviderFault, 'failure' | 'message' | 'retryAfterMs'>,
  promptState: Pick<PromptState, 'ownFaults' | 'unavailableSince' | 'unavailableInARow'>,
  limits: Pick<RunLimits, 'maxAttempts' | 'patienceMs'>,
  now: number,
  random: number,
): AfterFault {
  switch (fault.failure) {
    case 'Completion.AccountBlocked':
      return { then: 'pause', message: fault.message };
    case 'Completion.Unavailable': {
      const delayMs = askedFor(fault) ?? backoffMs(promptState.unavailableInARow, random);
      const waitedMs = now - (promptState.unavailableSince ?? now);
      if (waitedMs + delayMs <= limits.patienceMs) return { then: 'retry', delayMs };
      const waited = `waited ${seconds(waitedMs)} s, the next try would be in ${seconds(delayMs)} s, and --patience is ${seconds(limits.patienceMs)} s`;
      return { then: 'pause', message: `${fault.message} (${waited})` };
    }
    case 'Completion.Fault':
      if (promptState.ownFaults + 1 >= limits.maxAttempts) return { then: 'decide' };
      return {
        then: 'retry',
        // Only an unavailable provider can pause the batch, so no fault may hold a prompt longer than that.
        delayMs: Math.min(
          askedFor(fault) ?? backoffMs(promptState.ownFaults, random),
          Math.max(MAX_BACKOFF_MS, limits.patienceMs),
        ),
      };
    default:
      return { then: 'decide' };
  }
}

/** The provider's own word on when to come back, but never so soon that waiting becomes hammering. */
const askedFor = ({ retryAfterMs }: Pick<ProviderFault, 'retryAfterMs'>): number | null =>
  retryAfterMs === null ? null : Math.max(MIN_DELAY_MS, retryAfterMs);

/** 1 s, 2 s, 4 s … 1 minute, each shortened by up to a half at random, so that a crowd does not come back as one. */
const backoffMs = (before: number, random: number): number =>
  Math.round(Math.min(MAX_BACKOFF_MS, 1000 * 2 ** Math.min(before, 10)) * (1 - random / 2));

const seconds = (ms: number): number => Math.round(ms / 1000);

/** An expected failure that Temporal retries after exactly this delay. */
export const retryIn = (delayMs: number, type: string, message: string): ApplicationFailure =>
  withoutStack(
    ApplicationFailure.create({
      type,
      message,
      nextRetryDelay: Math.max(1, Math.round(delayMs)),
      category: ApplicationFailureCategory.BENIGN,
    }),
  );

/** Said at the end of a failure's sentence. Whoever knows the time of the next try says that instead. */
export const againIn = (delayMs: number): string => `; asked again in ${Math.round(delayMs / 100) / 10} s`;

/** What was expected is told by its message; in the Web UI a stack would bury it. */
function withoutStack(failure: ApplicationFailure): ApplicationFailure {
  failure.stack = '';
  return failure;
}

/** Gives a stopping worker time to stop polling, so that it is not handed the same prompt again. */
const STOPPING_DELAY_MS = 500;

export const workerStops = (): ApplicationFailure =>
  retryIn(STOPPING_DELAY_MS, failureTypes.workerStopping, 'the worker stops; the prompt goes on elsewhere');

/** What a failed turn tells the workflow beside its words. */
export interface TurnDetails {
  /** Known and possibly paid for the prompt so far; `null` where nobody can tell. */
  spentNanoUsd: number | null;
}

/** The non-retryable failure that ends a turn, with what the prompt has cost so far. */
export function withSpent(failure: ApplicationFailure, details: TurnDetails): ApplicationFailure {
  const { type, message, category, cause, stack } = failure;
  const told = new ApplicationFailure(message, type, true, [details], cause, undefined, category);
  told.stack = stack ?? '';
  return told;
}

/** An expected failure at which the workflow pauses the batch and puts the prompt back. */
export const pausing = (type: string, message: string): ApplicationFailure =>
  withoutStack(
    ApplicationFailure.create({
      type,
      message,
      nonRetryable: true,
      category: ApplicationFailureCategory.BENIGN,
    }),
  );

/** Errors of the batch store by name; what carries an errno is the file system's. */
const isStoreError = (error: Error): boolean =>
  ['LedgerWriteError', 'ForeignLedgerError', 'StoreError', 'FileWriteError'].includes(error.name) ||
  typeof (error as NodeJS.ErrnoException).syscall === 'string';

/**
 * Leaves cancellation and named failures as they are and names the rest: what the store could not do
 * pauses the batch; anything unforeseen does too, rather than being retried for ever unseen.
 */
export function toActivityFailure(error: unknown): unknown {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (!(error instanceof Error)) return error;
  const { message } = error;
  if (isStoreError(error))
    return withoutStack(
      ApplicationFailure.create({ type: failureTypes.storage, message, nonRetryable: true }),
    );
  return ApplicationFailure.create({
    type: failureTypes.unexpected,
    message,
    nonRetryable: true,
    cause: error,
  });
}
