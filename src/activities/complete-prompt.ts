import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { PromptItem } from '../core/prompt.ts';
import type { PromptTask } from '../core/prompt-task.ts';
import type { Receipt, Unsettled } from '../core/receipt.ts';
import { completionsOf } from '../store/ledger/batch-reading.ts';
import { spentNanoUsd } from '../store/ledger/bill.ts';
import type { LedgerReader } from '../store/ledger/ledger-reader.ts';
import { type PromptHistory, withAnswer } from '../store/ledger/prompt-history.ts';
import type { SettledRecord } from '../store/ledger/records.ts';
import type { Shard } from '../store/shard.ts';
import { StoreError } from '../store/store-error.ts';
import { type PromptState, promptStateOf } from '../store/ledger/prompt-state.ts';
import { type BuyDependencies, createBuy, type PromptClose } from './buy-completions.ts';
import { pausing, toActivityFailure, withSpent, workerStops } from './failures.ts';
import { heartbeating } from './as-activity.ts';
import { overchargeOf } from './overcharge.ts';
import { promptEnd, receiptOf } from './prompt-end.ts';
import { mayBuy, type PromptTurn, type Scheduled, toTurn } from './prompt-turn.ts';
import { worstCostOf } from './request.ts';
import { stamp } from './stamp.ts';
import { LAPSE_MS } from '../core/lapse.ts';
import { createUnderWayElsewhere, handedBack } from './under-way-elsewhere.ts';
import { failureTypes } from '../core/failure-types.ts';

export type CompletePrompt = (task: PromptTask) => Promise<Receipt | Unsettled>;

/**
 * Nothing is bought by a look at the ledger's files that is older: of a process that was frozen, or waited for
 * an answer, the prompt may have been given away after the heartbeat timeout.
 */
const STALE_LOOK_MS = 2000;

/** A decision and what follows from it. It outlives the attempt that took it: the next attempt in this process waits for it. */
interface Step {
  /** The turn's end, or `null`: there is something new to decide on. */
  done: Promise<Receipt | Unsettled | null>;
  abort: AbortController;
}

/** What one attempt knows. */
interface Attempt extends Scheduled {
  turn: PromptTurn;
  item: PromptItem;
  /** A look at what other processes have written must be younger, by `performance.now()`: somebody else may have had this prompt before. */
  looksAfter: number;
  /** When it began, by `performance.now()`, and in which life of its process. */
  beganAt: number;
  life: number;
}

/** Prompts in hand by process and batch folder: two workers of one batch in this process must not buy what the other is buying either. */
const stepsByBatch = new Map<string, Map<number, Step>>();

function stepsOf(worker: string, batchFolder: string): Map<number, Step> {
  const key = JSON.stringify([worker, batchFolder]);
  const steps = stepsByBatch.get(key) ?? new Map<number, Step>();
  stepsByBatch.set(key, steps);
  return steps;
}

/**
 * Buys what is missing of one prompt, request by request, and settles it. The ledger is asked first
 * and told last: a start before a request is sent, the answer before anyone hears of it. Attempts of
 * one prompt that overlap in this process share each step, so that none buys what the other is buying.
 */
export function createCompletePrompt(dependencies: BuyDependencies): CompletePrompt {
  const { store, stopping, prices, priceTable, now, liveness, worker, outlives = () => {} } = dependencies;
  const underWayElsewhere = createUnderWayElsewhere({ liveness, worker });
  const steps = stepsOf(worker, store.folder);
  /** When this process first worked for a workflow, by `performance.now()`. */
  const beginnings = new Map<string, number>();

  const step = async (
    { reader, writer }: Shard,
    attempt: Attempt,
    signal: AbortSignal,
  ): Promise<Receipt | Unsettled | null> => {
    const { turn: task, item } = attempt;
    const manifest = await store.manifest();
    await writer.saveUnsaved();
    // A process that counted as dead in the meantime reads again what others have bought.
    const life = await liveness.assure();
    if (mustLook(attempt, reader)) await reader.refresh();
    const history = reader.history(task.index);
    const { run, turn, since = turn } = task;
    const judged = (judgedHistory: PromptHistory): PromptState => {
      const present = { run, turn, since, at: now().getTime() };
      return promptStateOf(judgedHistory, completionsOf(item, manifest), present, task.limits);
    };
    const promptState = judged(history);
    if (promptState.settled) return receiptFor(task, promptState, history);
    if (promptState.missing.length > 0) {
      const elsewhere = underWayElsewhere(history, task.limits);
      if (elsewhere) throw handedBack(elsewhere, dependencies.random());
    }
    const close = closeOf(task, promptState, history);
    if (close) {
      // The receipt that follows must never outlive it: the report is made from the ledger.
      await writer.append(close.settled, { durable: true });
      return close.receipt;
    }
    const overcharge = overchargeUnderCap(task, history);
    if (overcharge !== null) throw pausing(failureTypes.overcharged, overcharge);
    if (stopping.aborted) throw workerStops();
    signal.throwIfAborted();
    if (isStale(attempt, reader)) return null;
    /** Others may have bought it, or may be buying it, while this request waited for its passage. */
    const stillMissing = async (): Promise<boolean> => {
      if (!liveness.holds(life)) return false;
      if (mustLook(attempt, reader)) await reader.refresh();
      const present = reader.history(task.index);
      if (present === history) return true;
      const again = judged(present);
      if (underWayElsewhere(present, task.limits)) return false;
      return !again.settled && again.missing.join() === promptState.missing.join();
    };
    /**
     * Where another worker may have the same prompt in hand, both look again once their starts are written: of two, the
     * later one sees the other. No other worker has a prompt whose first attempt sends its first request, unless the attempt
     * is so old that Temporal may have given the prompt to another one.
     */
    const isContested = (): boolean =>
      liveness.hasPeers &&
      (attempt.attempt > 1 ||
        history.starts.length > 0 ||
        performance.now() - attempt.beganAt > LAPSE_MS / 2 ||
        !liveness.holds(attempt.life));
    const maySend = async (): Promise<boolean> => {
      if (isContested()) {
        await reader.refresh();
        if (underWayElsewhere(reader.history(task.index), task.limits)) return false;
      }
      return liveness.holds(life);
    };
    const costs = prices(manifest.settings, task.limits, await priceTable?.(run));
    const worstCost = (): number | null =>
      worstCostOf(item, manifest.settings, promptState.missing.length, costs, { at: now() });
    const isAllowed = isWithinAllowance(task, worstCost, history);
    if (!isAllowed || !(await mayBuy(store, task, attempt, signal)))
      return { status: 'unsettled', spentNanoUsd: spentNanoUsd(history), worstCostNanoUsd: worstCost() };
    const buy = createBuy(dependencies, task, writer, item, manifest.settings, costs);
    return buy(promptState, signal, {
      ...{ stillMissing, isContested, maySend },
      closeWith: (start, answer) => {
        const after = withAnswer(history, start, answer);
        return closeOf(task, judged(after), after);
      },
    });
  };

  /** The prompt's end, if it has come to one. */
  const closeOf = (
    task: PromptTurn,
    promptState: PromptState,
    history: PromptHistory,
  ): PromptClose | null => {
    const end = promptEnd(promptState, history, task);
    if (!end) return null;
    const settled: SettledRecord = { type: 'settled', ...stamp(now, task), ...end };
    return { settled, receipt: receiptFor(task, { ...promptState, settled }, history) };
  };

  /** Of a settled prompt; it says so where an answer of this turn was too dear. */
  const receiptFor = (task: PromptTurn, promptState: PromptState, history: PromptHistory): Receipt => {
    const overcharged = overchargeUnderCap(task, history);
    return {
      ...receiptOf(promptState, spentNanoUsd(history)),
      ...(overcharged !== null && { overcharged }),
    };
  };

  /** Under a cap nothing more may be bought before a person has seen this, whatever became of the attempt that bought it. */
  const overchargeUnderCap = (task: PromptTurn, history: PromptHistory): string | null =>
    task.limits.maxCostNanoUsd === null ? null : overchargeOf(history, task);

  /** Before each request: whether its worst case still fits into what the turn was allowed. Under a cap nothing is bought without an allowance. */
  const isWithinAllowance = (
    { allowanceNanoUsd, limits, ...task }: PromptTurn,
    worstCost: () => number | null,
    history: PromptHistory,
  ): boolean => {
    if (allowanceNanoUsd === null && limits.maxCostNanoUsd === null) return true;
    const worstCostNanoUsd = worstCost();
    if (worstCostNanoUsd === null) throw new Error('there is a cost cap, but no price for this model');
    if (allowanceNanoUsd === null) return false;
    const spent = spentNanoUsd(history, ({ run, turn }) => run === task.run && turn === task.turn);
    return spent !== null && spent + worstCostNanoUsd <= allowanceNanoUsd;
  };

  /** What the prompt has cost so far, read afresh; `null` where not even that can be read. */
  const spentSoFar = async ({ shard, index }: PromptTask): Promise<number | null> => {
    try {
      return await store.withShard(shard, async ({ reader }) => {
        await reader.refresh();
        return spentNanoUsd(reader.history(index));
      });
    } catch {
      // The failure under way says what is wrong with the store.
      return null;
    }
  };

  const begin = (attempt: Attempt): Step => {
    const { shard, index } = attempt.turn;
    const abort = new AbortController();
    const done = store
      .withShard(shard, (open) => step(open, attempt, abort.signal))
      .finally(() => steps.delete(index));
    const begun = { done, abort };
    outlives(done);
    steps.set(index, begun);
    return begun;
  };

  const completePrompt = async (task: PromptTask): Promise<Receipt | Unsettled> => {
    let attempt: Attempt | null = null;
    for (;;) {
      const under = steps.get(task.index) ?? (attempt && begin(attempt));
      if (under) {
        const receipt = await orCancelled(under);
        if (receipt) return receipt;
      } else {
        attempt = await attemptOf(task);
      }
    }
  };

  const attemptOf = async (task: PromptTask): Promise<Attempt> => {
    const { attempt, scheduledTimestampMs, workflowExecution } = Context.current().info;
    const present = performance.now();
    const { runId = '' } = workflowExecution ?? {};
    const begun = beginnings.get(runId) ?? present;
    beginnings.set(runId, begun);
    // A prompt that nobody has had since this workflow began makes do with a look that another one has taken since then.
    const looksAfter = attempt === 1 && task.turn === 1 ? begun : present;
    const item = await store.withShard(task.shard, (shard) => shard.prompt(task.index));
    if (item.prompt_id !== task.promptId)
      throw new StoreError(`${store.folder}: prompt ${task.index + 1} is not "${task.promptId}"`);
    return {
      turn: await toTurn(store, task),
      ...{ attempt, scheduledAt: scheduledTimestampMs, item, looksAfter },
      ...{ beganAt: present, life: await liveness.assure() },
    };
  };

  const isStale = ({ looksAfter }: Attempt, { lookedAt, lookAgeMs }: LedgerReader): boolean =>
    lookedAt < Math.max(looksAfter, liveness.aliveSince) || lookAgeMs > STALE_LOOK_MS;

  /** Before anything is decided. */
  const mustLook = (attempt: Attempt, reader: LedgerReader): boolean =>
    isStale(attempt, reader) || reader.isBehind;

  return (task) =>
    heartbeating(() => completePrompt(task)).catch(async (error: unknown) => {
      const failure = toActivityFailure(error);
      const endsTurn = failure instanceof ApplicationFailure && failure.nonRetryable === true;
      throw endsTurn ? withSpent(failure, { spentNanoUsd: await spentSoFar(task) }) : failure;
    });
}

/**
 * Waits for a step unless the attempt is cancelled first. Only the batch's own cancel, or a worker
 * that must go now, aborts its request. An attempt that Temporal gave away (server restarted, network
 * lost) lets it go on: its answer is as good to the next attempt.
 */
async function orCancelled({ done, abort }: Step): Promise<Receipt | Unsettled | null> {
  try {
    return await Promise.race([done, Context.current().cancelled]);
  } catch (error) {
    if (error instanceof CancelledFailure) {
      if (error.message === 'CANCELLED' || error.message === 'WORKER_SHUTDOWN') {
        abort.abort(error);
        await done.catch(() => {
          // it ended as an aborted request, which the ledger records
        });
      } else {
        done.catch(() => {
          // the next attempt reads the fault from the ledger
        });
      }
    }
    throw error;
  }
}
