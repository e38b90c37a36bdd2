import {
  ApplicationFailure,
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  log,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../../activities/index.ts';
import type { ShardReport, ShardHalt, ShardInput } from '../../core/shard-protocol.ts';
import type { ShardPlan } from '../../core/prompt-task.ts';
import { createReportPace } from './report-pace.ts';
import { createBudget } from '../budget.ts';
import { isLoan } from '../signal-checks.ts';
import { shardReportSignal, loanSignal } from '../messages.ts';
import { causeOf, type PauseCause } from '../pause-cause.ts';
import { storePolicy, UNHEARD_TRIES, UNHEARD_WAIT } from '../policies.ts';
import { createPromptWork } from '../prompt-work.ts';
import { moneyToReturn, slotsToReturn } from './shard-surplus.ts';
import { newTally, seedTally, shardTallyOf } from '../tally.ts';
import { shardDetailsOf } from '../display/web-ui.ts';
import { failureTypes } from '../../core/failure-types.ts';

const { readShard } = proxyActivities<Activities>(storePolicy);

/**
 * Works through one shard of a batch with the slots and the money that the batch lends it, and tells the
 * batch what it gives back and what has come of it. Ends with its last report, when its prompts are
 * settled or the batch is cancelled. A cancel of its own asks it whether its batch is still there to hear of it: it
 * ends with its batch.
 */
export async function promptShard(input: ShardInput): Promise<ShardReport> {
  const { batchId, run, shard, execution } = input;
  let { loan } = input;
  let plan: ShardPlan | null = null;
  let tally = newTally(0);
  let halt: ShardHalt | null = null;
  let returnedSlots = 0;
  let returnedNanoUsd = 0;
  let over = false;
  let isAsked = false;
  let isOrphan = false;

  const budget = createBudget();
  const isStopped = (): boolean => isOrphan || loan.stop !== 'no';
  const isHalted = (): boolean => halt?.lifts === loan.lifts;
  const heldSlots = (): number => loan.slots - returnedSlots;
  const work = createPromptWork(input, {
    limits: () => loan.limits,
    slots: () => (isHalted() || isStopped() ? 0 : Math.min(heldSlots(), loan.keepSlots)),
    budget,
    capNanoUsd: heldNanoUsd,
    noRoom: async () => {
      await condition(() => work.waitsForRoom === null || isStopped());
    },
    lifts: () => loan.lifts,
    halt: haltFor,
    tally: () => tally,
    counted: (now) => {
      tally = now;
      return null;
    },
  });

  setHandler(loanSignal, (next) => {
    if (isLoan(next) && next.version > loan.version) loan = next;
  });

  CancellationScope.current().cancelRequested.catch(() => (isAsked = true));

  return CancellationScope.nonCancellable(async () => {
    const reporting = sendReports();
    await readPlan();
    await work.run(isStopped);
    if (isOrphan)
      throw ApplicationFailure.nonRetryable('the run of its batch is over', failureTypes.orphanedShard);
    if (isStopped()) await work.drain(() => loan.stop === 'now');
    over = true;
    // A completion that crosses the reply to a report is refused, and the whole history is replayed for another one.
    await reporting;
    return nextReport();
  });

  async function readPlan(): Promise<void> {
    while (!plan && !isStopped()) {
      try {
        plan = await readShard({ batchId, run, shard });
        tally = seedTally(newTally(plan.open.length + plan.inRun.succeeded + plan.inRun.failed), plan.inRun);
        work.add(shard, plan);
      } catch (error) {
        await haltFor(causeOf(error));
        await condition(() => !isHalted() || isStopped());
      }
    }
  }

  async function haltFor({ reason, message }: PauseCause): Promise<void> {
    if (!isHalted()) halt = { reason, message, lifts: loan.lifts };
  }

  /** One report under way at a time: the latest state wins, and the acknowledgement sets the pace. */
  async function sendReports(): Promise<void> {
    const { workflowId, runId } = workflowInfo().parent!;
    const batch = getExternalWorkflowHandle(workflowId, runId);
    const pace = createReportPace(Date.now(), input.newsEveryMs);
    for (let unheard = 0; ;) {
      const isUrgent = (): boolean => over || isAsked || unheard > 0 || pace.isUrgent(draft(), loan);
      await condition(() => isUrgent() || pace.isNews(draft()));
      const waitMs = pace.waitMs(Date.now());
      if (!isUrgent() && waitMs > 0) await condition(isUrgent, waitMs);
      if (over) return;
      isAsked = false;
      const now = nextReport();
      pace.sent(now, Date.now());
      setCurrentDetails(shardDetailsOf(now, tally.total));
      try {
        await batch.signal(shardReportSignal, shard, now);
        unheard = 0;
      } catch (error) {
        log.info('the batch did not receive a report', { error });
        isOrphan = ++unheard === UNHEARD_TRIES;
        if (isOrphan) return;
        pace.lost();
        await condition(() => over, UNHEARD_WAIT, { summary: 'the batch did not receive a report' });
      }
    }
  }

  /** `null`: there is no cap. */
  function heldNanoUsd(): number | null {
    return loan.nanoUsd === null ? null : loan.nanoUsd - returnedNanoUsd;
  }

  /** Gives back what is to spare, and says how things stand. */
  function nextReport(): ShardReport {
    const now = draft();
    ({ returnedSlots, returnedNanoUsd } = now);
    return now;
  }

  function draft(): ShardReport {
    const { waitsForRoom, queue, running } = work;
    const dry = plan !== null && queue.length === 0;
    const { spentNanoUsd, reservedNanoUsd } = budget;
    const money = heldNanoUsd();
    const unreserved = money === null ? null : money - spentNanoUsd - reservedNanoUsd;
    const held = heldSlots();
    const toReturn = moneyToReturn({
      unreserved,
      keepFor: loan.keepMoneyFor,
      queue: plan && queue,
      slots: held,
    });
    return {
      execution,
      loan: loan.version,
      returnedSlots: returnedSlots + slotsToReturn({ held, keep: loan.keepSlots, running, dry }),
      returnedNanoUsd: returnedNanoUsd + toReturn,
      spentBeforeNanoUsd: plan && plan.inRun.spentNanoUsd,
      spentNanoUsd,
      reservedNanoUsd,
      running,
      dry,
      wants: waitsForRoom && {
        worstCostNanoUsd: waitsForRoom.worstCostNanoUsd,
        missingNanoUsd: missing(waitsForRoom.worstCostNanoUsd, (unreserved ?? 0) - toReturn),
      },
      tally: shardTallyOf(tally),
      halt,
    };
  }
}

/** No money is enough for a prompt whose price nobody knows. */
const missing = (worstCostNanoUsd: number | null, unreserved: number): number =>
  worstCostNanoUsd === null ? Number.MAX_SAFE_INTEGER : Math.max(0, worstCostNanoUsd - unreserved);
