import {
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  log,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type {
  BatchInput,
  BatchOutcome,
  FinalState,
  LimitChanges,
  Progress,
  Receipt,
  RunLimits,
  Unsettled,
} from '../contract.ts';
import { createBatchDisplay } from './batch-display.ts';
import { budgetText, createBudget } from './budget.ts';
import { isPastLimit, limitText } from './failure-limit.ts';
import { cancelNowUpdate, progressQuery, resumeUpdate, setUpdate } from './messages.ts';
import { causeOf, type PauseCause, spentByFailure } from './pause-cause.ts';
import { createPauseSwitch } from './pause-switch.ts';
import { CANCEL_GRACE, completionPolicy, storePolicy, UNIFORM_FAILURES } from './policies.ts';
import { type BatchEnd, endedProgress, progressOf } from './progress.ts';
import { createPromptLoop, type OpenPrompt, type TurnEnd } from './prompt-loop.ts';
import { countsOf, newTally, seeded, settled, uniformFailure } from './tally.ts';
import { summaryText } from './web-ui.ts';

const { readShard, recordLimits, writeReport } = proxyActivities<Activities>(storePolicy);

/**
 * One run of a batch: works through its open prompts with at most `maxWorkers` in progress, and ends
 * with the report, also when it is cancelled. It pauses itself when what goes wrong is not a prompt's
 * fault; a prompt caught in that is put back, never failed.
 */
export async function promptBatch(batch: BatchInput): Promise<BatchOutcome> {
  let { limits } = batch.settings;
  const budget = createBudget();
  let forgiven = 0;
  let tally = newTally(batch.prompts);
  let cancelling = false;
  let cancelNow = false;
  let end: BatchEnd | null = null;

  const display = createBatchDisplay(batch, progress);
  const pauseSwitch = createPauseSwitch(batch, display.transition);
  const loop = createPromptLoop({
    slots: () => (pauseSwitch.current || cancelling ? 0 : limits.maxWorkers),
    hasRoom: ({ worstCostNanoUsd }) => budget.fits(worstCostNanoUsd, limits.maxCostNanoUsd),
    noRoom: ({ worstCostNanoUsd }) =>
      pauseFor({ reason: 'budget', message: budgetText(budget, limits.maxCostNanoUsd, worstCostNanoUsd) }),
    takeUp,
    turnEnded: display.tick,
  });

  setHandler(progressQuery, progress);
  setHandler(resumeUpdate, resume, { validator: assertPaused });
  setHandler(setUpdate, setLimits, { validator: assertSettable });
  setHandler(cancelNowUpdate, skipGrace);
  CancellationScope.current().cancelRequested.catch(stopForGood);

  return CancellationScope.nonCancellable(async () => {
    display.transition();
    await readShards();
    if (isPastLimit(limits.maxFailures, tally.failed, 0, tally.total)) forgiven = tally.failed;
    await loop.run(() => cancelling);
    if (cancelling) await loop.drain(CANCEL_GRACE, () => cancelNow);
    return close(cancelling ? 'cancelled' : tally.failed > 0 ? 'partly_failed' : 'succeeded');
  });

  async function readShards(): Promise<void> {
    for (let shard = 0; shard < batch.shards; shard++) {
      if (cancelling) return;
      const plan = await fromStore(() => readShard(batch.batchId, shard));
      if (!plan) return;
      tally = seeded(tally, plan.settled);
      budget.addSettled(plan.settled.spentNanoUsd);
      for (const { index, spentNanoUsd } of plan.open) budget.addOpen(index, spentNanoUsd);
      loop.add(plan.open.map((prompt) => ({ ...prompt, shard, turn: 1 })));
    }
  }

  async function takeUp(prompt: OpenPrompt): Promise<TurnEnd> {
    budget.reserve(prompt.index, prompt.worstCostNanoUsd);
    const { lifts } = pauseSwitch;
    let receipt: Receipt | Unsettled;
    try {
      receipt = await complete(batch, limits, prompt);
    } catch (error) {
      budget.settle(prompt.index, spentByFailure(error));
      // What failed before the last resume, and is only heard of now, must not undo it.
      if (!isCancellation(error) && pauseSwitch.lifts === lifts) await pauseFor(causeOf(error));
      const { since: _, ...afresh } = prompt;
      return { putBack: afresh };
    }
    budget.settle(prompt.index, receipt.spentNanoUsd);
    if (receipt.status === 'unsettled') {
      const { since = prompt.turn } = prompt;
      return { putBack: { ...prompt, since, worstCostNanoUsd: receipt.worstCostNanoUsd } };
    }
    tally = settled(tally, prompt.id, receipt, Date.now());
    if (receipt.status === 'failed') await pauseIfTooManyFailed();
    return 'settled';
  }

  async function pauseIfTooManyFailed(): Promise<void> {
    const same = uniformFailure(tally, UNIFORM_FAILURES);
    const { maxFailures } = limits;
    if (same !== null) {
      const message = `the first ${UNIFORM_FAILURES} prompts all failed with: ${same}`;
      await pauseFor({ reason: 'failures', message });
    } else if (maxFailures && isPastLimit(maxFailures, tally.failed, forgiven, tally.total)) {
      const last = tally.lastFailures[0];
      const message = `${tally.failed - forgiven} prompts failed, more than --max-failures ${limitText(maxFailures)}; the last one: ${last?.message}`;
      await pauseFor({ reason: 'failures', message });
    }
  }

  async function pauseFor({ reason, message }: PauseCause): Promise<void> {
    if (!cancelling) await pauseSwitch.pause(reason, message);
  }

  /**
   * Store work that a full disk or a foreign file may stop: that pauses the batch, and it is tried again
   * when resumed. `null`: the batch is cancelled, and goes on without.
   */
  async function fromStore<T>(work: () => Promise<T>): Promise<T | null> {
    for (;;) {
      try {
        return await work();
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

  function progress(): Progress {
    const pause = pauseSwitch.current;
    const state = cancelling ? 'cancelling' : pause ? 'paused' : 'running';
    const { maxWorkers, maxCostNanoUsd } = limits;
    const { spentNanoUsd, reservedNanoUsd } = budget;
    const now = progressOf({
      ...{ state, pause, tally, running: loop.running, maxWorkers },
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

/** Asks for one prompt's missing completions. */
function complete(
  { batchId, run }: BatchInput,
  limits: RunLimits,
  prompt: OpenPrompt,
): Promise<Receipt | Unsettled> {
  const { completePrompt } = proxyActivities<Activities>({
    ...completionPolicy(limits, prompt.completions),
    summary: summaryText(prompt.id),
  });
  const { shard, index, turn, since = turn, id: promptId, worstCostNanoUsd } = prompt;
  const allowanceNanoUsd = limits.maxCostNanoUsd === null ? null : worstCostNanoUsd;
  return completePrompt({ batchId, run, turn, since, shard, index, promptId, limits, allowanceNanoUsd });
}
