/** What can be asked of a running batch, and told to it. Temporal's own cancel does the rest. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Addition } from '../core/batch-layout.ts';
import type { Requester, Progress } from '../core/progress.ts';
import type { LimitChanges } from '../core/settings.ts';
import type { ShardReport, ShardLoan } from '../core/shard-protocol.ts';
import type { WorkerPace } from '../core/batch-input.ts';

/** Failure type of an update that comes while the report is being written. */
export const ENDING = 'Batch.Ending';

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
 * Means nothing, and comes before each update: a worker that has to read the history first runs an update that follows
 * right behind a task without commands before what that task was about, and what it writes then cannot be replayed
 * (temporalio/sdk-rust#1606, SDK 1.24). The event of a signal keeps the two apart.
 */
export const barrierSignal = defineSignal('knock');

/** From a batch to one of its shards. */
export const loanSignal = defineSignal<[ShardLoan]>('loan');

/** From a shard, by its number, to its batch. */
export const shardReportSignal = defineSignal<[number, ShardReport]>('account');

/** From a worker process that works on a batch with `autoWorkers`. One that is lost is made good by the next. */
export const paceSignal = defineSignal<[WorkerPace]>('pace');
