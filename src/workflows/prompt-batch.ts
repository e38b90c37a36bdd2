import {
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { BatchInput, Tally } from '../core/batch-input.ts';
import type { BatchLayout } from '../core/batch-layout.ts';
import type { BatchOutcome } from '../core/outcome.ts';
import type { FinalState, Progress } from '../core/progress.ts';
import { autoSlots, autoWorkersOf, recordPace } from './auto-workers.ts';
import { handleControls } from './batch-controls.ts';
import { newBatchState } from './batch-state.ts';
import { budgetText } from './budget.ts';
import { createBatchDisplay } from './display/batch-display.ts';
import { endedProgress, progressOf } from './display/progress.ts';
import { failuresText, isPastLimit, limitText } from './failure-limit.ts';
import { createInlineWork } from './inline-work.ts';
import { barrierSignal, paceSignal, progressQuery, shardReportSignal } from './messages.ts';
import type { PauseCause } from './pause-cause.ts';
import { createPauseSwitch } from './pause-switch.ts';
import type { RunEnd } from './prompt-loop.ts';
import {
  CANCEL_GRACE,
  INLINE_PROMPTS,
  INLINE_SHARDS,
  MAX_EVENTS,
  storePolicy,
  UNIFORM_FAILURES,
} from './policies.ts';
import { createShardCoordinator } from './shards/shard-coordinator.ts';
import { isShardReport, isPace } from './signal-checks.ts';
import { createStoreAccess } from './store-access.ts';
import { createStoreNotes } from './store-notes.ts';
import { countsOf, restartTally, seedTally, uniformFailure } from './tally.ts';

const { writeReport } = proxyActivities<Activities>(storePolicy);

/**
 * One run of a batch: completes its open prompts, at most `maxWorkers` at a time, and ends with the report, also when it
 * is cancelled. It pauses itself when the cause of a failure is not the prompt; such a prompt is put back, never failed.
 */
export async function promptBatch(batch: BatchInput): Promise<BatchOutcome> {
  const state = newBatchState(batch);
  /** This small batch goes on as another execution. */
  let startsAnew = false;
  const display = createBatchDisplay(batch, progress, () => state.outcome);
  const notes = createStoreNotes();
  const pauseSwitch = createPauseSwitch(batch, notes, onPauseChange);
  const store = createStoreAccess(state, pauseSwitch, pauseFor);
  const isInline = isSmall(batch);
  const work = (isInline ? createInlineWork : createShardCoordinator)(batch, {
    limits: () => state.limits,
    slots: () => (pauseSwitch.current || state.isCancelled ? 0 : autoSlots(state.limits, state.paces)),
    isCancelled: () => state.isCancelled,
    lifts: () => pauseSwitch.lifts,
    tally: () => state.tally,
    seed: (before) => void (state.tally = seedTally(state.tally, before)),
    counted: onCount,
    // `noRoom` reports that no money is left for the next prompt: another halt for the budget is an overcharge.
    halt: (cause) => pauseFor(cause.reason === 'budget' ? { ...cause, overcharged: true } : cause),
    noRoom: (worstCostNanoUsd) =>
      pauseFor({
        reason: 'budget',
        message: budgetText(work.spentNanoUsd, state.limits.maxCostNanoUsd, worstCostNanoUsd),
        ...(worstCostNanoUsd !== null && { neededNanoUsd: work.spentNanoUsd + worstCostNanoUsd }),
      }),
    fromStore: store.run,
  });

  setHandler(progressQuery, progress);
  handleControls({
    ...{ batchId: batch.batchId, state, pauseSwitch, notes, progress },
    onTransition: display.transition,
    onFailureLimit: pauseIfPastLimit,
    onGrowth: (layout, firstShard) => work.grow(layout, firstShard),
  });
  setHandler(barrierSignal, () => {});
  setHandler(shardReportSignal, (shard, report) => {
    if (isShardReport(shard, report)) work.applyReport(shard, report);
  });
  setHandler(paceSignal, (pace) => {
    if (isPace(pace)) state.paces = recordPace(state.paces, pace, Date.now());
  });
  CancellationScope.current().cancelRequested.catch(onCancel);

  return CancellationScope.nonCancellable(async () => {
    display.transition();
    await work.prepare();
    forgiveEarlierFailures();
    startsAnew = (await workThrough()) === 'stopped' && !state.isCancelled;
    if (work.rest.length > 0 || startsAnew) await goOnAsNew();
    if (state.isCancelled) await work.drain(() => state.skipsGrace, CANCEL_GRACE);
    state.isClosing = true;
    // From here on only the report can pause the batch. An older pause is cleared, so that this one is seen.
    pauseSwitch.forget();
    return close(state.isCancelled ? 'cancelled' : state.tally.failed > 0 ? 'partly_failed' : 'succeeded');
  });

  /**
   * Resolves when nothing is left to do in this execution, what is added meanwhile included, or as soon as the batch is
   * cancelled or must continue as another execution.
   */
  async function workThrough(): Promise<RunEnd> {
    for (;;) {
      const known = state.additions;
      const end = await work.run(() => state.isCancelled || mustContinueAsNew());
      if (state.adding > 0) await condition(() => state.adding === 0 || state.isCancelled);
      if (end === 'stopped' || state.additions === known || work.rest.length > 0) return end;
    }
  }

  /**
   * Whether a small batch must continue as another execution: so much was added that it needs workflows for its shards,
   * or it was paused and resumed so often that its history is long.
   */
  function mustContinueAsNew(): boolean {
    return isInline && (!isSmall(state.layout) || isHistoryLong(pauseSwitch.current !== null));
  }

  /** Continues what is left in another execution, with a history of its own. */
  async function goOnAsNew(): Promise<void> {
    if (startsAnew) await condition(() => work.running === 0 || state.isCancelled);
    await notes.done();
    await condition(allHandlersFinished);
    if (state.isCancelled) return;
    const { limits, tally, forgiven, paces } = state;
    const { rest, spentNanoUsd, spentInRest } = work;
    await continueAsNew<typeof promptBatch>({
      ...batch,
      ...state.layout,
      pause: pauseSwitch.current,
      carried: {
        ...{ forgiven, limits: limits === batch.settings.limits ? null : limits },
        ...(paces.length > 0 && { paces }),
        ...(state.skipsGrace && { cancelNow: true }),
        ...(Object.keys(spentInRest).length > 0 && { spentInRun: spentInRest }),
        ...(startsAnew
          ? { shards: null, tally: restartTally(tally), spentNanoUsd: 0 }
          : { shards: [...rest], tally, spentNanoUsd }),
      },
    });
  }

  /** Writes the report and returns the outcome; a cancelled batch ends as cancelled. */
  async function close(final: FinalState): Promise<BatchOutcome> {
    const { batchId, run } = batch;
    await notes.done();
    const endedAt = new Date().toISOString();
    const outcome = await store.run(() =>
      notes.add(async (earlier) => {
        if (earlier) await earlier;
        return writeReport({ batchId, run, state: final, endedAt });
      }),
    );
    state.outcome = outcome;
    state.end = outcome ?? {
      ...{ state: 'cancelled', counts: countsOf(state.tally, 0, true), paid: state.tally.paid },
    };
    display.transition();
    await condition(allHandlersFinished);
    if (!outcome || final === 'cancelled') throw new CancelledFailure('the batch was cancelled');
    return outcome;
  }

  function progress(): Progress {
    const { limits, tally, paces, isCancelled, end } = state;
    const { current: pause } = pauseSwitch;
    const { maxWorkers, maxCostNanoUsd } = limits;
    const { spentNanoUsd, reservedNanoUsd } = work;
    // A client leaves a paused batch with nothing in progress: not before earlier runs are counted and the pause is noted.
    const isSettling = pause !== null && (store.isBusy || notes.isPending);
    const now = progressOf({
      state: isCancelled ? 'cancelling' : pause ? 'paused' : 'running',
      ...{ pause, tally, maxWorkers, autoWorkers: autoWorkersOf(limits, paces) },
      running: isSettling ? Math.max(1, work.running) : work.running,
      pendingCompletions: work.pendingCompletions,
      budget: maxCostNanoUsd === null ? null : { maxCostNanoUsd, spentNanoUsd, reservedNanoUsd },
    });
    return end ? endedProgress(now, end) : now;
  }

  function onCount(tally: Tally): Promise<void> | null {
    const before = state.tally;
    state.tally = tally;
    display.tick();
    if (tally.failed === before.failed) return null;
    const same = uniformFailure(before, tally, UNIFORM_FAILURES);
    if (same === null) return pauseIfPastLimit();
    const message = `the first ${tally.failed} prompts all failed with: ${same}`;
    return pauseFor({ reason: 'failures', message });
  }

  /** A batch that earlier runs have left past its limit of failures was resumed by somebody who knew that. */
  function forgiveEarlierFailures(): void {
    const { limits, tally, forgiven } = state;
    if (isPastLimit(limits.maxFailures, tally.failed, forgiven, tally.total)) state.forgiven = tally.failed;
  }

  async function pauseIfPastLimit(): Promise<void> {
    const { forgiven, limits, tally } = state;
    const { failed, total, lastFailures } = tally;
    const { maxFailures } = limits;
    if (!maxFailures || !isPastLimit(maxFailures, failed, forgiven, total)) return;
    const message = `${failuresText(failed - forgiven, forgiven)}, more than --max-failures ${limitText(maxFailures)}; the last one: ${lastFailures[0]?.message}`;
    await pauseFor({ reason: 'failures', message });
  }

  async function pauseFor(cause: PauseCause): Promise<void> {
    if (!state.isCancelled) await pauseSwitch.pause(cause);
  }

  function onPauseChange(): void {
    display.transition();
    if (pauseSwitch.current) void CancellationScope.nonCancellable(showStandstill);
  }

  /** Shows the totals of a paused batch once its last prompt in progress has ended: no client may be there to ask. */
  async function showStandstill(): Promise<void> {
    const pause = pauseSwitch.current;
    const isOver = (): boolean => pauseSwitch.current !== pause || state.isCancelled;
    const isStill = (): boolean => work.running === 0 && !store.isBusy && !notes.isPending;
    await condition(() => isStill() || isOver());
    if (!isOver()) display.transition();
  }

  function onCancel(): void {
    state.isCancelled = true;
    if (!state.end) display.transition();
  }
}

/** A paused batch continues as new at no cost. */
function isHistoryLong(isPaused: boolean): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return (continueAsNewSuggested && isPaused) || historyLength > MAX_EVENTS;
}

/** Whether one workflow completes all of its prompts itself, without shards. */
const isSmall = ({ prompts, shardSize }: Pick<BatchLayout, 'prompts' | 'shardSize'>): boolean =>
  prompts <= Math.min(INLINE_PROMPTS, INLINE_SHARDS * shardSize);
