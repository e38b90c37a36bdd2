import {
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  currentUpdateInfo,
  log,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Addition, BatchLayout } from '../core/batch-layout.ts';
import type { Requester, ControlNote, FinalState, Progress } from '../core/progress.ts';
import type { BatchInput, Tally } from '../core/batch-input.ts';
import type { BatchOutcome } from '../core/outcome.ts';
import type { LimitChanges } from '../core/settings.ts';
import { autoSlots, autoWorkersOf, recordPace } from './auto-workers.ts';
import { createBatchDisplay } from './display/batch-display.ts';
import { budgetText } from './budget.ts';
import { failuresText, isPastLimit, limitText } from './failure-limit.ts';
import { createInlineWork } from './inline-work.ts';
import { requesterFault } from './requester-fault.ts';
import { isAccount, isPace } from './signal-checks.ts';
import { faultOf, isAddition } from '../core/limit-changes.ts';
import {
  shardReportSignal,
  addUpdate,
  cancelNowUpdate,
  barrierSignal,
  paceSignal,
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  setUpdate,
} from './messages.ts';
import { causeOf, type PauseCause, pauseText } from './pause-cause.ts';
import { createPauseSwitch } from './pause-switch.ts';
import {
  CANCEL_GRACE,
  INLINE_PROMPTS,
  INLINE_SHARDS,
  MAX_EVENTS,
  storePolicy,
  UNIFORM_FAILURES,
} from './policies.ts';
import { type BatchEnd, endedProgress, progressOf } from './display/progress.ts';
import { createShardCoordinator } from './shards/shard-coordinator.ts';
import { createStoreNotes } from './store-notes.ts';
import { countsOf, newTally, seedTally, uniformFailure, restartTally } from './tally.ts';

const { admitPrompts, recordLimits, writeReport } = proxyActivities<Activities>(storePolicy);

/**
 * One run of a batch: works through its open prompts with at most `maxWorkers` in progress, and ends
 * with the report, also when it is cancelled. It pauses itself when what goes wrong is not a prompt's
 * fault; a prompt caught in that is put back, never failed.
 */
export async function promptBatch(batch: BatchInput): Promise<BatchOutcome> {
  const { carried } = batch;
  let { prompts, shards, shardSize, parts }: BatchLayout = batch;
  let limits = carried?.limits ?? batch.settings.limits;
  let tally = carried?.tally ?? newTally(batch.prompts);
  let forgiven = carried?.forgiven ?? 0;
  let paces = carried?.paces ?? [];
  let cancelling = false;
  let cancelNow = carried?.cancelNow ?? false;
  let atStore = 0;
  /** Additions that are being taken in, and how often some were. */
  let adding = 0;
  let grown = 0;
  let closing = false;
  let anew = false;
  let outcome: BatchOutcome | null = null;
  let end: BatchEnd | null = null;

  const display = createBatchDisplay(batch, progress, () => outcome);
  const notes = createStoreNotes();
  const pauseSwitch = createPauseSwitch(batch, notes, pauseChanged);
  const isInline = isSmall(batch);
  const work = (isInline ? createInlineWork : createShardCoordinator)(batch, {
    limits: () => limits,
    slots: () => (pauseSwitch.current || cancelling ? 0 : autoSlots(limits, paces)),
    isCancelled: () => cancelling,
    lifts: () => pauseSwitch.lifts,
    tally: () => tally,
    seed: (before) => void (tally = seedTally(tally, before)),
    counted,
    // No room for the next prompt is told by `noRoom`.
    halt: (cause) => pauseFor(cause.reason === 'budget' ? { ...cause, overcharged: true } : cause),
    noRoom: (worstCostNanoUsd) =>
      pauseFor({
        reason: 'budget',
        message: budgetText(work.spentNanoUsd, limits.maxCostNanoUsd, worstCostNanoUsd),
        ...(worstCostNanoUsd !== null && { neededNanoUsd: work.spentNanoUsd + worstCostNanoUsd }),
      }),
    fromStore,
  });

  setHandler(progressQuery, progress);
  setHandler(pauseUpdate, pauseByHand, { validator: assertUnpaused });
  setHandler(resumeUpdate, resume, { validator: assertPaused });
  setHandler(setUpdate, setLimits, { validator: assertSettable });
  setHandler(addUpdate, add, { validator: assertTakesPrompts });
  setHandler(cancelNowUpdate, skipGrace);
  setHandler(barrierSignal, () => {});
  setHandler(shardReportSignal, (shard, account) => {
    if (isAccount(shard, account)) work.takeIn(shard, account);
  });
  setHandler(paceSignal, (pace) => {
    if (isPace(pace)) paces = recordPace(paces, pace, Date.now());
  });
  CancellationScope.current().cancelRequested.catch(stopForGood);

  return CancellationScope.nonCancellable(async () => {
    display.transition();
    await work.prepare();
    if (isPastLimit(limits.maxFailures, tally.failed, forgiven, tally.total)) forgiven = tally.failed;
    await workThrough();
    if (work.rest.length > 0 || startsAnew()) await goOnAsNew();
    if (cancelling) await work.drain(() => cancelNow, CANCEL_GRACE);
    closing = true;
    // Nothing is left that a pause could hold back; what stops the report is to be heard of.
    pauseSwitch.forget();
    return close(cancelling ? 'cancelled' : tally.failed > 0 ? 'partly_failed' : 'succeeded');
  });

  /** Until nothing is left to do in this execution, with what is added meanwhile. */
  async function workThrough(): Promise<void> {
    const isStopped = (): boolean => cancelling || startsAnew();
    let known: number;
    do {
      known = grown;
      await work.run(isStopped);
      if (adding > 0) await condition(() => adding === 0 || cancelling);
    } while (grown > known && !isStopped() && work.rest.length === 0);
  }

  /**
   * Whether a small batch is to be counted anew by another execution: so much was added that it needs workflows for
   * its shards, or it has been paused and resumed so often that its history is long. Once decided, it stays so.
   */
  function startsAnew(): boolean {
    anew ||= isInline && (!isSmall({ prompts, shardSize }) || isHistoryLong(pauseSwitch.current !== null));
    return anew;
  }

  function counted(now: Tally): Promise<void> | null {
    const before = tally;
    tally = now;
    display.tick();
    if (now.failed === before.failed) return null;
    const same = uniformFailure(before, now, UNIFORM_FAILURES);
    if (same === null) return pauseIfPastLimit();
    const message = `the first ${now.failed} prompts all failed with: ${same}`;
    return pauseFor({ reason: 'failures', message });
  }

  async function pauseIfPastLimit(): Promise<void> {
    const { maxFailures } = limits;
    const { failed, total, lastFailures } = tally;
    if (!maxFailures || !isPastLimit(maxFailures, failed, forgiven, total)) return;
    const message = `${failuresText(failed - forgiven, forgiven)}, more than --max-failures ${limitText(maxFailures)}; the last one: ${lastFailures[0]?.message}`;
    await pauseFor({ reason: 'failures', message });
  }

  function pauseChanged(): void {
    display.transition();
    if (pauseSwitch.current) void CancellationScope.nonCancellable(noteStandstill);
  }

  /** What was in progress when it paused has ended: nobody may be there to ask what that came to. */
  async function noteStandstill(): Promise<void> {
    const pause = pauseSwitch.current;
    const isOver = (): boolean => pauseSwitch.current !== pause || cancelling;
    const isStill = (): boolean => work.running === 0 && atStore === 0 && !notes.isPending;
    await condition(() => isStill() || isOver());
    if (!isOver()) display.transition();
  }

  async function pauseFor(cause: PauseCause): Promise<void> {
    if (!cancelling) await pauseSwitch.pause(cause);
  }

  async function fromStore<T>(storeWork: () => Promise<T>): Promise<T | null> {
    for (;;) {
      try {
        atStore++;
        return await storeWork().finally(() => atStore--);
      } catch (error) {
        const cause = causeOf(error);
        if (cancelling) {
          log.warn('the batch is cancelled without what its store could not do', { error });
          return null;
        }
        await pauseFor(cause);
        await condition(() => !pauseSwitch.current || cancelling);
      }
    }
  }

  /** Hands what is left over to another execution, with a history of its own. */
  async function goOnAsNew(): Promise<void> {
    if (anew) await condition(() => work.running === 0 || cancelling);
    await notes.done();
    await condition(allHandlersFinished);
    if (cancelling) return;
    const { rest, spentNanoUsd, spentInRest } = work;
    await continueAsNew<typeof promptBatch>({
      ...batch,
      ...layout(),
      pause: pauseSwitch.current,
      carried: {
        ...{ forgiven, limits: limits === batch.settings.limits ? null : limits },
        ...(paces.length > 0 && { paces }),
        ...(cancelNow && { cancelNow }),
        ...(Object.keys(spentInRest).length > 0 && { spentInRun: spentInRest }),
        ...(anew
          ? { shards: null, tally: restartTally(tally), spentNanoUsd: 0 }
          : { shards: [...rest], tally, spentNanoUsd }),
      },
    });
  }

  async function close(state: FinalState): Promise<BatchOutcome> {
    const { batchId, run } = batch;
    await notes.done();
    const endedAt = new Date().toISOString();
    outcome = await fromStore(() =>
      notes.add(async (earlier) => {
        if (earlier) await earlier;
        return writeReport({ batchId, run, state, endedAt });
      }),
    );
    end = outcome ?? { state: 'cancelled', counts: countsOf(tally, 0, true), paid: tally.paid };
    display.transition();
    await condition(allHandlersFinished);
    if (!outcome || state === 'cancelled') throw new CancelledFailure('the batch was cancelled');
    return outcome;
  }

  function progress(): Progress {
    const pause = pauseSwitch.current;
    const state = cancelling ? 'cancelling' : pause ? 'paused' : 'running';
    const { maxWorkers, maxCostNanoUsd } = limits;
    const { spentNanoUsd, reservedNanoUsd } = work;
    // Who sees a paused batch with nothing in progress may leave: not before it knows what earlier runs came to, and
    // the pause is noted.
    const running = pause && (atStore > 0 || notes.isPending) ? Math.max(1, work.running) : work.running;
    const now = progressOf({
      ...{ state, pause, tally, running, maxWorkers, autoWorkers: autoWorkersOf(limits, paces) },
      pendingCompletions: work.pendingCompletions,
      budget: maxCostNanoUsd === null ? null : { maxCostNanoUsd, spentNanoUsd, reservedNanoUsd },
    });
    return end ? endedProgress(now, end) : now;
  }

  function assertOpen(asked: Requester | null | undefined): void {
    if (end) throw new Error(`the batch has ended: ${end.state}`);
    if (cancelling) throw new Error('the batch is being cancelled');
    const fault = requesterFault(asked);
    if (fault !== null) throw new Error(fault);
  }

  /** From here on its report is being written, unless that has paused it. */
  function assertNotEnding(): void {
    if (closing && !pauseSwitch.current) throw new Error('the batch is just ending');
  }

  function layout(): BatchLayout {
    return { prompts, shards, shardSize, ...(parts && { parts }) };
  }

  function assertTakesPrompts(addition: Addition, asked: Requester | null): void {
    assertOpen(asked);
    if (!isAddition(addition)) throw new Error('what is to be added must be named by its stage and its hash');
    if (closing) throw new Error('the batch is just ending');
  }

  function assertSettable(changes: LimitChanges, asked?: Requester): void {
    assertOpen(asked);
    assertNotEnding();
    const fault = faultOf(changes);
    if (fault !== null) throw new Error(fault);
  }

  function assertUnpaused(asked: Requester | null): void {
    assertOpen(asked);
    assertNotEnding();
    const { current } = pauseSwitch;
    if (current)
      throw new Error(`the batch is paused already: ${pauseText(current)}, since ${current.since}`);
  }

  function assertPaused(asked: Requester | null): void {
    assertOpen(asked);
    if (!pauseSwitch.current) throw new Error('the batch is not paused');
  }

  async function pauseByHand(asked: Requester | null): Promise<Progress> {
    const cause = { reason: 'operator' as const, message: asked?.reason ?? 'no reason given' };
    await pauseSwitch.pause({ ...cause, ...(asked && { by: asked.by }) }, controlNote('pause', asked));
    return progress();
  }

  async function resume(asked: Requester | null): Promise<Progress> {
    forgiven = tally.failed;
    await pauseSwitch.lift(controlNote('resume', asked));
    return progress();
  }

  async function setLimits(changes: LimitChanges, asked?: Requester): Promise<Progress> {
    limits = { ...limits, ...changes };
    const control: ControlNote = { ...controlNote('set', asked), changes };
    await notes.add((earlier) => noteLimits(earlier, changes, control));
    if ('maxCostNanoUsd' in changes && pauseSwitch.current?.reason === 'budget') await pauseSwitch.lift();
    else display.transition();
    if ('maxFailures' in changes) await pauseIfPastLimit();
    return progress();
  }

  /** What was asked for holds all the same; only the next run would not know of it. */
  async function noteLimits(
    earlier: Promise<unknown> | null,
    changes: LimitChanges,
    control: ControlNote,
  ): Promise<void> {
    if (earlier) await earlier;
    try {
      await CancellationScope.nonCancellable(() => recordLimits(batch.batchId, changes, control));
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      log.warn('limits could not be noted beside the batch', { error });
    }
  }

  async function add(addition: Addition, asked: Requester | null): Promise<Progress> {
    adding++;
    try {
      const control = controlNote('add', asked);
      const admitted = await notes.add((earlier) => admit(earlier, addition, control));
      if (admitted.shards > shards) {
        const firstShard = shards;
        ({ prompts, shards, shardSize, parts } = admitted);
        tally = { ...tally, total: prompts };
        work.grow(admitted, firstShard);
        grown++;
        display.transition();
      }
      return progress();
    } finally {
      adding--;
    }
  }

  async function admit(
    earlier: Promise<unknown> | null,
    addition: Addition,
    control: ControlNote,
  ): Promise<BatchLayout> {
    await earlier;
    try {
      return await CancellationScope.nonCancellable(() => admitPrompts(batch.batchId, addition, control));
    } catch (error) {
      // Who asked is told what is wrong, and not that an activity failed.
      throw error instanceof ActivityFailure && error.cause ? error.cause : error;
    }
  }

  function skipGrace(): Progress {
    cancelNow = true;
    return progress();
  }

  function stopForGood(): void {
    cancelling = true;
    if (!end) display.transition();
  }
}

/** While a batch is paused, another execution costs it nothing. */
function isHistoryLong(isPaused: boolean): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return (continueAsNewSuggested && isPaused) || historyLength > MAX_EVENTS;
}

/** Whether one workflow works through all of its prompts itself. */
const isSmall = ({ prompts, shardSize }: Pick<BatchLayout, 'prompts' | 'shardSize'>): boolean =>
  prompts <= Math.min(INLINE_PROMPTS, INLINE_SHARDS * shardSize);

function controlNote(control: ControlNote['control'], asked: Requester | null | undefined): ControlNote {
  const id = currentUpdateInfo()?.id ?? '';
  return { id, control, at: new Date().toISOString(), by: asked?.by ?? null, reason: asked?.reason ?? null };
}
