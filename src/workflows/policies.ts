/** How activities are timed and retried: data, each with its reason. */
import type { ActivityOptions } from '@temporalio/workflow';
import type { RequestSettings, RunLimits } from '../contract.ts';

const MINUTE_MS = 60_000;

/**
 * Model calls: slow, rate limited, and safe to repeat, since the ledger is asked first. No limit on
 * attempts and none on the time over all of them: waiting for an unavailable provider must not use
 * either up, so the activity counts a prompt's own faults and its patience itself, and sets every
 * delay (`nextRetryDelay`). What is retried by this policy alone is an attempt whose worker died.
 */
export const completionPolicy = (
  limits: Pick<RunLimits, 'requestTimeoutMs'>,
  completions: RequestSettings['completions'],
) =>
  ({
    startToCloseTimeout: completions * limits.requestTimeoutMs + MINUTE_MS,
    heartbeatTimeout: '10 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  }) satisfies ActivityOptions;

/**
 * Reads and writes of the batch store: local and safe to repeat. What the store cannot do comes back
 * as a final failure, pauses the batch (`storage`) and tells a person. What is retried by this policy
 * is an attempt whose worker died: as often as that happens, since it says nothing of the store.
 */
export const storePolicy = {
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
} satisfies ActivityOptions;

/** How long a cancelled batch lets its prompts in progress finish. */
export const CANCEL_GRACE = '1 minute';

/** Which failure of `completePrompt` stops the batch rather than the prompt, and what the pause is called. */
export const pauseReasons = {
  'Completion.AccountBlocked': 'account',
  'Completion.Unavailable': 'provider',
  'Storage.Failed': 'storage',
} as const;

/** This many prompts failing first, with one same message, is a mistake in the batch and not in the prompts. */
export const UNIFORM_FAILURES = 10;
