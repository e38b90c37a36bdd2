/** The shards of a large batch: started one after another, lent its slots and its money, started again when they die. */
import {
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  type ChildWorkflowHandle,
  condition,
  getExternalWorkflowHandle,
  log,
  proxyActivities,
  sleep,
  startChild,
  TerminatedFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../../activities/index.ts';
import { failureTypes } from '../../core/failure-types.ts';
import type { BatchInput } from '../../core/batch-input.ts';
import type { BatchLayout } from '../../core/batch-layout.ts';
import type { BatchSurvey } from '../../core/prompt-task.ts';
import type { ShardReport, ShardLoan } from '../../core/shard-protocol.ts';
import type { BatchWork, WorkHost } from '../batch-work.ts';
import { newsEveryMs } from './report-pace.ts';
import { lendMoney } from './lend-money.ts';
import { lendSlots } from './lend-slots.ts';
import {
  inProgress,
  type LiveShard,
  newLiveShard,
  nextLoan,
  restartShard,
  applyShardReport,
} from './live-shard.ts';
import { loanSignal } from '../messages.ts';
import {
  DEAD_SHARD_WAIT,
  fedShards,
  GRACE_SUMMARY,
  SHARD_RATE,
  SHARD_SLOTS,
  SHARD_START_TRIES,
  SHARD_START_WAIT,
  storePolicy,
} from '../policies.ts';
import { steadyRateOf } from '../pace.ts';
import type { promptShard } from './prompt-shard.ts';
import { shardIdOf } from '../../core/shard-range.ts';
import { newShardTally, mergeShardTally } from '../tally.ts';
import { shardSummaryOf } from '../display/web-ui.ts';

const { surveyShards } = proxyActivities<Activities>(storePolicy);

/** A large batch lends its slots, and what a cost cap leaves, to shards that each have a workflow of their own. */
export function createShardCoordinator(batch: BatchInput, host: WorkHost): BatchWork {
  const waiting: number[] = [];
  let layout: BatchLayout = batch;
  const live = new Map<number, LiveShard>();
  const handles = new WeakMap<LiveShard, ChildWorkflowHandle<typeof promptShard>>();
  /** By shards that are done, before this run, and by this run in shards that wait. */
  let spentBefore = 0;
  const spentByWaiting = new Map<number, number>();
  let stop: ShardLoan['stop'] = 'no';
  let noting = 0;
  let plannedFor: unknown[] | null = null;
  let bug: { error: unknown } | null = null;

  const shards = (): LiveShard[] => [...live.values()].sort((a, b) => a.number - b.number);
  const sumOver = (value: (shard: LiveShard) => number): number =>
    shards().reduce((sum, shard) => sum + value(shard), 0);
  const orBug = (work: Promise<unknown>): void =>
    void work.catch((error: unknown) => {
      bug ??= { error };
    });
  /** Until it is noted why a batch pauses, something of it is in progress: whoever sees nothing in progress may leave. */
  const note = (work: Promise<unknown>): void => {
    noting++;
    orBug(work.finally(() => noting--));
  };

  /** What a plan is made for, besides what the shards say. */
  const circumstances = (): unknown[] => [host.slots(), host.limits(), host.lifts(), stop];
  const needsPlan = (): boolean =>
    !plannedFor || circumstances().some((value, at) => !Object.is(value, plannedFor![at]));
  const shardsChanged = (): void => void (plannedFor = null);

  /** Lends what is free, asks for what is missing, and tells each shard what is new to it. */
  function plan(): void {
    plannedFor = circumstances();
    const target = stop === 'no' ? host.slots() : 0;
    if (target > 0) addShards();
    lendSlots(shards(), target, steadyRateOf(host.tally().pace) > SHARD_RATE ? 0 : SHARD_SLOTS);
    const hasRoom = lendMoney(shards(), spentBefore, host.limits().maxCostNanoUsd);
    if (!hasRoom && target > 0) {
      const stuck = shards().find(({ missingNanoUsd }) => missingNanoUsd !== null);
      note(host.noRoom(stuck?.worstCostNanoUsd ?? null));
    }
    for (const shard of shards()) {
      if (shard.phase === 'new') orBug(see(shard));
      else if (shard.phase === 'open') post(shard);
    }
  }

  /** The next shard is there, its prompts read, before the slots of the one before it fall idle. */
  function addShards(): void {
    const fed = fedShards(host.limits().maxWorkers);
    while (waiting.length > 0 && !isHistoryLong() && shards().filter(({ dry }) => !dry).length < fed) {
      const number = waiting.shift()!;
      const shard = newLiveShard(number, 1, newShardTally());
      shard.spentBeforeNanoUsd = spentByWaiting.get(number) ?? 0;
      spentBefore -= shard.spentBeforeNanoUsd;
      spentByWaiting.delete(number);
      live.set(number, shard);
    }
  }

  function noteSpent(spentInRun: BatchSurvey['spentInRun'] = {}): void {
    for (const [number, nanoUsd] of Object.entries(spentInRun)) spentByWaiting.set(Number(number), nanoUsd);
  }

  /** From a shard's start to its end. */
  async function see(shard: LiveShard): Promise<void> {
    shard.phase = 'starting';
    try {
      const handle = await start(shard);
      handles.set(shard, handle);
      shard.phase = 'open';
      post(shard);
      applyReport(shard.number, await handle.result());
      spentBefore += shard.spentBeforeNanoUsd + shard.spentNanoUsd;
      live.delete(shard.number);
    } catch (error) {
      if (!isEndedFromOutside(error)) throw error;
      await startAgain(shard);
    }
    shardsChanged();
  }

  async function start(shard: LiveShard): Promise<ChildWorkflowHandle<typeof promptShard>> {
    const { batchId, run, store } = batch;
    const { number, execution } = shard;
    const loan = (shard.sent = nextLoan(shard, terms())!);
    for (let tries = 1; ; tries++) {
      try {
        return await startChild<typeof promptShard>('promptShard', {
          workflowId: shardIdOf({ ...layout, batchId }, number),
          args: [{ batchId, run, store, shard: number, execution, loan, newsEveryMs: newsEveryMs(ageMs()) }],
          staticSummary: shardSummaryOf(layout, number),
        });
      } catch (error) {
        const isThere = error instanceof WorkflowExecutionAlreadyStartedError;
        if (!isThere || tries === SHARD_START_TRIES) throw error;
        if (tries === 1) await askWhetherOrphaned(number);
        await sleep(SHARD_START_WAIT, {
          summary: `before another try to start ${shardSummaryOf(layout, number)}`,
        });
      }
    }
  }

  /** A shard of a run that was reset does not hear this one, and ends when it is asked. */
  async function askWhetherOrphaned(number: number): Promise<void> {
    try {
      await getExternalWorkflowHandle(shardIdOf({ ...layout, batchId: batch.batchId }, number)).cancel();
    } catch (error) {
      log.info('a shard has ended', { shard: number, error });
    }
  }

  /** Of the batch; one that has continued as new is old. */
  function ageMs(): number {
    return batch.carried ? Number.POSITIVE_INFINITY : Date.now() - workflowInfo().startTime.getTime();
  }

  /** Restarts it from the ledger, once its orphaned prompts' heartbeats must have timed out. */
  async function startAgain(shard: LiveShard): Promise<void> {
    log.warn('a shard was ended from outside and will be started again', { shard: shard.number });
    Object.assign(shard, { phase: 'dead', dry: true, missingNanoUsd: null } satisfies Partial<LiveShard>);
    shardsChanged();
    await sleep(DEAD_SHARD_WAIT, {
      summary: `${shardSummaryOf(layout, shard.number)} died: before they start again`,
    });
    live.delete(shard.number);
    if (stop !== 'no') return;
    live.set(shard.number, restartShard(shard));
  }

  const terms = () => ({
    limits: host.limits(),
    lifts: host.lifts(),
    stop,
  });

  /** One message under way at a time, of what holds when its turn comes. */
  function post(shard: LiveShard): void {
    const loan = shard.isSending || shard.phase !== 'open' ? null : nextLoan(shard, terms());
    if (!loan) return;
    Object.assign(shard, { sent: loan, isSending: true, isUpToDate: false } satisfies Partial<LiveShard>);
    orBug(send(shard, loan));
  }

  async function send(shard: LiveShard, loan: ShardLoan): Promise<void> {
    try {
      await handles.get(shard)!.signal(loanSignal, loan);
    } catch (error) {
      // Its end settles its report, and is on its way.
      log.info('a shard ended before a loan reached it', { shard: shard.number, error });
      await askWhetherOrphaned(shard.number);
    }
    shard.isSending = false;
    post(shard);
  }

  function applyReport(number: number, report: ShardReport): void {
    const shard = live.get(number);
    const before = shard?.tally;
    if (!shard || !applyShardReport(shard, report)) return;
    shardsChanged();
    const consequence = host.counted(mergeShardTally(host.tally(), before!, shard.tally, Date.now()));
    if (consequence) note(consequence);
    if (report.halt?.lifts === host.lifts()) note(host.halt(report.halt));
  }

  /** Keeps the shards supplied until it is done. */
  async function tend(done: () => boolean): Promise<void> {
    for (;;) {
      await condition(() => bug !== null || done() || needsPlan());
      if (bug) throw bug.error;
      if (done()) return;
      plan();
    }
  }

  return {
    get running() {
      const { total, succeeded, failed } = host.tally();
      return Math.min(sumOver(inProgress), total - succeeded - failed) + (noting > 0 ? 1 : 0);
    },
    pendingCompletions: null,
    get spentNanoUsd() {
      return spentBefore + sumOver((shard) => shard.spentBeforeNanoUsd + shard.spentNanoUsd);
    },
    get reservedNanoUsd() {
      return sumOver((shard) => shard.reservedNanoUsd);
    },
    get rest() {
      return waiting;
    },
    get spentInRest() {
      return Object.fromEntries(spentByWaiting);
    },
    prepare: async () => {
      const { carried } = batch;
      if (carried?.shards) {
        waiting.push(...carried.shards);
        spentBefore = carried.spentNanoUsd;
        noteSpent(carried.spentInRun);
        return;
      }
      const survey = await host.fromStore(() => surveyShards({ batchId: batch.batchId, run: batch.run }));
      if (!survey) return;
      // Those that have been added since the start come by `grow`.
      waiting.push(...survey.open.filter((shard) => shard < batch.shards));
      noteSpent(survey.spentInRun);
      spentBefore = survey.before.spentNanoUsd + sumOf(spentByWaiting.values());
      host.seed(survey.before);
    },
    // Once its history is long, it starts no more shards, and another execution goes on when those it has are done.
    run: async (stopped) => {
      await tend(() => stopped() || (live.size === 0 && (waiting.length === 0 || isHistoryLong())));
      return stopped() ? 'stopped' : 'done';
    },
    applyReport,
    grow: (grown, firstShard) => {
      layout = grown;
      for (let shard = firstShard; shard < grown.shards; shard++) waiting.push(shard);
      shardsChanged();
    },
    drain: async (over, grace) => {
      stop = 'drain';
      orBug(
        condition(() => live.size === 0 || over(), grace, { summary: GRACE_SUMMARY }).then(
          () => (stop = 'now'),
        ),
      );
      await tend(() => live.size === 0);
    },
  };
}

const sumOf = (values: Iterable<number>): number => [...values].reduce((sum, value) => sum + value, 0);

const isHistoryLong = (): boolean => workflowInfo().continueAsNewSuggested;

/** Somebody terminated or cancelled it, or reset its batch, with `temporal` or in the Web UI; anything else is a bug. */
const isEndedFromOutside = (error: unknown): boolean =>
  error instanceof ChildWorkflowFailure &&
  (error.cause instanceof TerminatedFailure ||
    error.cause instanceof CancelledFailure ||
    (error.cause instanceof ApplicationFailure && error.cause.type === failureTypes.orphanedShard));
