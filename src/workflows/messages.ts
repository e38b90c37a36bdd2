/** What can be asked of a running batch, and told to it. Temporal's own cancel does the rest. An Update is refused with one of `refusals`. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Addition } from '../core/batch-layout.ts';
import type { Requester, Progress } from '../core/progress.ts';
import type { LimitChanges } from '../core/settings.ts';
import type { ShardReport, ShardLoan } from '../core/shard-protocol.ts';
import type { WorkerPace } from '../core/batch-input.ts';

/** Cheap and read-only. */
export const progressQuery = defineQuery<Progress>('progress');

/** Lets what runs finish, and starts nothing more until resumed. Refused when the batch is paused already. */
export const pauseUpdate = defineUpdate<Progress, [Requester | null]>('pause');

/** Lifts a pause. Refused when there is none. */
export const resumeUpdate = defineUpdate<Progress, [Requester | null]>('resume');

/** Announces that the cancel about to be sent shall not wait for the prompts in progress. */
export const cancelNowUpdate = defineUpdate<Progress>('cancelNow');

/** Changes limits of the running batch. A new cost cap lifts a pause that the old one caused. */
export const setUpdate = defineUpdate<Progress, [LimitChanges, Requester?]>('set');

/** Takes in prompts that wait beside the batch; those that were taken in before are not taken in again. */
export const addUpdate = defineUpdate<Progress, [Addition, Requester | null]>('add');

/**
 * Carries no information; sent before every Update. Works around temporalio/sdk-rust#1606 (SDK 1.24): after a cache
 * miss, a worker may run an Update before an earlier workflow task that had no commands, and that history does not
 * replay. The event of the signal separates the two.
 */
export const barrierSignal = defineSignal('knock');

/** From a batch to one of its shards. */
export const loanSignal = defineSignal<[ShardLoan]>('loan');

/** From a shard, by its number, to its batch. The name on the wire is older than the type's. */
export const shardReportSignal = defineSignal<[number, ShardReport]>('account');

/** From a worker process that works on a batch with `autoWorkers`. A lost signal does no harm: the next one carries the full value. */
export const paceSignal = defineSignal<[WorkerPace]>('pace');
