import {
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  log,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { BatchInput, BatchOutcome, FinalState, LimitChanges, Progress, Tally } from '../contract.ts';
import { createBatchDisplay } from './batch-display.ts';
import { budgetText } from './budget.ts';
import { isPastLimit, limitText } from './failure-limit.ts';
import { createInlineWork } from './inline-work.ts';
import { accountSignal, cancelNowUpdate, progressQuery, resumeUpdate, setUpdate } from './messages.ts';
import { causeOf, type PauseCause } from './pause-cause.ts';
import { createPauseSwitch } from './pause-switch.ts';
import { CANCEL_GRACE, INLINE_SHARDS, storePolicy, UNIFORM_FAILURES } from './policies.ts';
import { type BatchEnd, endedProgress, progressOf } from './progress.ts';
import { createShardCrew } from './shard-crew.ts';
import { countsOf, newTally, seeded, uniformFailure } from './tally.ts';

const { recordLimits, writeReport } = proxyActivities<Activities>(storePolicy);

/**
 * One run of a batch: works through its open prompts with at most `maxWorkers` in progress, and ends
 * with the report, also when it is cancelled. It pauses itself when what goes wrong is not a prompt's
 * fault; a prompt caught in that is put back, never failed.
 */
export async function promptBatch(batch: BatchInput): Promise<BatchOutcome> {
  const { carried } = batch;
  let limits = carried?.limits ?? batch.settings.limits;
  let tally = carried?.tally ?? newTally(batch.prompts);
  let forgiven = carried?.forgiven ?? 0;
  let cancelling = false;
  let cancelNow = false;
  let atStore = 0;
  let end: BatchEnd | null = null;

  const display = createBatchDisplay(batch, progress);
  const pauseSwitch = createPauseSwitch(batch, display.transition);
  const createWork = batch.shards > INLINE_SHARDS ? createShardCrew : createInlineWork;
  const work = createWork(batch, {
    limits: () => limits,
    limitsChanged,
    slots: () => (pauseSwitch.current || cancelling ? 0 : limits.maxWorkers),
    isCancelled: () => cancelling,
    lifts: () => pauseSwitch.lifts,
    tally: () => tally,
    seed: (before) => void (tally = seeded(tally, before)),
    counted,
    halt: pauseFor,
    noRoom: (worstCostNanoUsd) =>
      pauseFor({
        reason: 'budget',
        message: budgetText(work.spentNanoUsd, limits.maxCostNanoUsd, worstCostNanoUsd),
      }),
    fromStore,
  });

  setHandler(progressQuery, progress);
  setHandler(resumeUpdate, resume, { validator: assertPaused });
  setHandler(setUpdate, setLimits, { validator: assertSettable });
  setHandler(cancelNowUpdate, skipGrace);
  setHandler(accountSignal, work.takeIn);
  CancellationScope.current().cancelRequested.catch(stopForGood);

  return CancellationScope.nonCancellable(async () => {
    display.transition();
    await work.prepare();
    if (isPastLimit(limits.maxFailures, tally.failed, forgiven, tally.total)) forgiven = tally.failed;
    await work.run(() => cancelling);
    if (work.rest.length > 0) await goOnAsNew();
    if (cancelling) await work.drain(() => cancelNow, CANCEL_GRACE);
    return close(cancelling ? 'cancelled' : tally.failed > 0 ? 'partly_failed' : 'succeeded');
  });

  async function counted(now: Tally): Promise<void> {
    const before = tally;
    tally = now;
    display.tick();
    if (now.failed === before.failed) return;
    const same = uniformFailure(before, now, UNIFORM_FAILURES);
    const { maxFailures } = limits;
    if (same !== null) {
      const message = `the first ${now.failed} prompts all failed with: ${same}`;
      await pauseFor({ reason: 'failures', message });
    } else if (maxFailures && isPastLimit(maxFailures, now.failed, forgiven, now.total)) {
      const last = now.lastFailures[0];
      const message = `${now.failed - forgiven} prompts failed, more than --max-failures ${limitText(maxFailures)}; the last one: ${last?.message}`;
      await pauseFor({ reason: 'failures', message });
    }
  }

  async function pauseFor({ reason, message }: PauseCause): Promise<void> {
    if (!cancelling) await pauseSwitch.pause(reason, message);
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
    await pauseSwitch.noted();
    await condition(allHandlersFinished);
    if (cancelling) return;
    await continueAsNew<typeof promptBatch>({
      ...batch,
      pause: pauseSwitch.current,
      carried: {
        ...{ shards: [...work.rest], tally, forgiven, spentNanoUsd: work.spentNanoUsd },
        limits: limitsChanged() ? limits : null,
      },
    });
  }

  async function close(state: FinalState): Promise<BatchOutcome> {
    const { batchId, run } = batch;
    await pauseSwitch.noted();
    const endedAt = new Date().toISOString();
    const outcome = await fromStore(() => writeReport({ batchId, run, state, endedAt }));
    end = outcome ?? { state: 'cancelled', counts: countsOf(tally, 0, true), paid: tally.paid };
    display.transition();
    await condition(allHandlersFinished);
    if (!outcome || state === 'cancelled') throw new CancelledFailure('the batch was cancelled');
    return outcome;
  }

  function limitsChanged(): boolean {
    return limits !== batch.settings.limits;
  }

  function progress(): Progress {
    const pause = pauseSwitch.current;
    const state = cancelling ? 'cancelling' : pause ? 'paused' : 'running';
    const { maxWorkers, maxCostNanoUsd } = limits;
    const { spentNanoUsd, reservedNanoUsd } = work;
    // Who sees a paused batch with nothing in progress may leave: not before it knows what earlier runs came to.
    const running = pause && atStore > 0 ? Math.max(1, work.running) : work.running;
    const now = progressOf({
      ...{ state, pause, tally, running, maxWorkers },
      pendingCompletions: work.pendingCompletions,
      budget: maxCostNanoUsd === null ? null : { maxCostNanoUsd, spentNanoUsd, reservedNanoUsd },
    });
    return end ? endedProgress(now, end) : now;
  }

  function assertOpen(): void {
    if (end) throw new Error(`the batch has ended: ${end.state}`);
    if (cancelling) throw new Error('the batch is being cancelled');
  }

  function assertSettable({ maxCostNanoUsd }: LimitChanges): void {
    assertOpen();
    if (typeof maxCostNanoUsd === 'number' && !(maxCostNanoUsd > 0))
      throw new Error('a cost cap must be above 0');
  }

  function assertPaused(): void {
    assertOpen();
    if (!pauseSwitch.current) throw new Error('the batch is not paused');
  }

  async function resume(): Promise<Progress> {
    forgiven = tally.failed;
    await pauseSwitch.lift();
    return progress();
  }

  async function setLimits(changes: LimitChanges): Promise<Progress> {
    limits = { ...limits, ...changes };
    await recordLimits(batch.batchId, changes);
    if ('maxCostNanoUsd' in changes && pauseSwitch.current?.reason === 'budget') await pauseSwitch.lift();
    else display.transition();
    return progress();
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
