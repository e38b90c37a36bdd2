/** How activities are timed and retried: data, each with its reason. */
import type { ActivityOptions } from '@temporalio/workflow';
import type { RequestSettings, RunLimits } from '../core/settings.ts';
import { failureTypes } from '../core/failure-types.ts';
import { LAPSE_MS } from '../core/lapse.ts';

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
    heartbeatTimeout: LAPSE_MS,
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
  // Where more prompts are scheduled than the workers have slots for, a pause must not wait for all of them.
  priority: { priorityKey: 1 },
  heartbeatTimeout: LAPSE_MS,
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
} satisfies ActivityOptions;

/** As many prompts, and shards of them, as one workflow works through itself: of a larger batch each shard is a workflow of its own. */
export const INLINE_PROMPTS = 1000;
export const INLINE_SHARDS = 2;

/** Slots of one shard, while others have prompts to start too: with more, a shard of 1,000 would be over before it is fed. */
export const SHARD_SLOTS = 250;

/** Prompts a second up to which one shard's workflow keeps its slots busy by itself: beyond, several share the work. */
export const SHARD_RATE = 60;

/** Shards that have prompts to start at a time: at least the next one is there before the slots of a shard fall idle. */
export const fedShards = (maxWorkers: number): number => Math.max(2, Math.ceil(maxWorkers / SHARD_SLOTS));

/** A shard that ended unexpectedly may still have prompts in progress until their heartbeats time out. Its slots are not lent again before that. */
export const DEAD_SHARD_WAIT = LAPSE_MS + 1000;

/** How often a shard that cannot be started, since the one of a run before is still being ended, is tried again. */
export const SHARD_START_WAIT = '1 second';
export const SHARD_START_TRIES = 60;

/** After which a shard tells its batch again what that could not hear, and how often in all. */
export const UNHEARD_WAIT = '10 seconds';
export const UNHEARD_TRIES = 3;

/** The server ends a workflow at 51,200 events. */
export const MAX_EVENTS = 40_000;

/** How long a cancelled batch lets its prompts in progress finish. */
export const CANCEL_GRACE = '1 minute';
/** Names its timer in the Web UI. */
export const GRACE_SUMMARY = 'cancelled: prompts in progress may finish';

/** Which failure of `completePrompt` stops the batch rather than the prompt, and what the pause is called. */
export const pauseReasons = {
  'Completion.AccountBlocked': 'account',
  'Completion.Unavailable': 'provider',
  [failureTypes.storage]: 'storage',
  [failureTypes.overcharged]: 'budget',
} as const;

/** This many prompts failing first, with one same message, is a mistake in the batch and not in the prompts. */
export const UNIFORM_FAILURES = 10;

/** With `autoWorkers`, prompts in progress before any worker has told what its provider lets through. */
export const FIRST_AUTO_SLOTS = 10;

/** A worker that is silent for longer is gone: those that live repeat their word each minute. */
export const SILENT_WORKER_MS = 150_000;

/** An account's workflow that nobody has asked for so long ends. */
export const ACCOUNT_QUIET_MS = 5 * MINUTE_MS;
