import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { PromptItem, PromptTask, Receipt, RequestSettings, RunLimits, Unsettled } from '../contract.ts';
import type { CompletionApi, CompletionResponse } from '../providers/completion-api.ts';
import { ProviderFault, toProviderFault } from '../providers/provider-fault.ts';
import type { RequestPrices } from '../providers/request-prices.ts';
import { completionsOf } from '../store/batch-reading.ts';
import { spentNanoUsd } from '../store/bill.ts';
import type { PromptHistory } from '../store/ledger-reader.ts';
import type { BatchStore, ShardLedger } from '../store/batch-store.ts';
import { type Standing, standingOf } from '../store/standing.ts';
import { afterFault, pausing, retryIn, toActivityFailure, withSpent } from './failures.ts';
import { heartbeating } from './heartbeating.ts';
import { toRequest, worstCostOf } from './request.ts';
import { promptEnd, receiptOf } from './prompt-end.ts';

export type CompletePrompt = (task: PromptTask) => Promise<Receipt | Unsettled>;

export interface CompletePromptDependencies {
  store: BatchStore;
  /** Throws `ProviderFault` (account) if this worker has no key for it. */
  api(settings: RequestSettings, limits: RunLimits): CompletionApi;
  prices(settings: RequestSettings, limits: RunLimits): RequestPrices;
  /** Aborted when the worker shall end after the requests in hand. */
  stopping: AbortSignal;
  /** Identity of this process. */
  worker: string;
  now: () => Date;
  random: () => number;
}

/** Gives a stopping worker time to stop polling, so that it is not handed the same prompt again. */
const STOPPING_DELAY_MS = 500;

/**
 * A process that was frozen since its look at the ledger looks again before it buys: its prompt may have
 * been given away after the heartbeat timeout, of which up to 8 s (the SDK's throttle) may have been over.
 */
const STALE_LOOK_MS = 2000;

/** A look at the ledger and what follows from it. It outlives the attempt that took it: the next attempt in this process waits for it. */
interface Step {
  /** The turn's end, or `null`: there is something new to look at. */
  done: Promise<Receipt | Unsettled | null>;
  abort: AbortController;
}

/**
 * Buys what is missing of one prompt, request by request, and settles it. The ledger is asked first
 * and told last: a start before a request is sent, the answer before anyone hears of it. Attempts of
 * one prompt that overlap in this process share each step, so that none buys what the other is buying.
 */
export function createCompletePrompt(dependencies: CompletePromptDependencies): CompletePrompt {
  const { store, stopping, prices, now } = dependencies;
  const steps = new Map<number, Step>();

  const step = async (task: PromptTask, signal: AbortSignal): Promise<Receipt | Unsettled | null> => {
    const ledger = await store.ledger(task.shard);
    const manifest = await store.manifest();
    const item = await store.prompt(task.shard, task.index);
    await ledger.writer.saveUnsaved();
    const lookedAt = performance.now();
    await ledger.reader.refresh();
    const history = ledger.reader.history(task.index);
    const { run, turn, since = turn } = task;
    const present = { run, turn, since, at: now().getTime() };
    const standing = standingOf(history, completionsOf(item, manifest), present, task.limits);
    if (standing.settled) return receiptOf(standing, spentNanoUsd(history));
    const end = promptEnd(standing, history, task);
    if (end) {
      const settled = { type: 'settled', ...stamp(dependencies, task), ...end } as const;
      // The receipt that follows must never outlive it: the report is made from the ledger.
      await ledger.writer.append(settled, { durable: true });
      return null;
    }
    if (stopping.aborted)
      throw retryIn(STOPPING_DELAY_MS, 'Worker.Stopping', 'the worker stops; the prompt goes on elsewhere');
    signal.throwIfAborted();
    if (performance.now() - lookedAt > STALE_LOOK_MS) return null;
    const unsettled = overAllowance(task, item, manifest.settings, standing, history);
    if (unsettled) return unsettled;
    await createBuy(dependencies, task, ledger, item, manifest.settings)(standing, signal);
    return null;
  };

  /** Before each request: whether its worst case still fits into what the turn was allowed. */
  const overAllowance = (
    task: PromptTask,
    item: PromptItem,
    settings: RequestSettings,
    { missing }: Standing,
    history: PromptHistory,
  ): Unsettled | null => {
    if (task.allowanceNanoUsd === null) return null;
    const worstCostNanoUsd = worstCostOf(
      item,
      settings,
      missing.length,
      prices(settings, task.limits),
      now(),
    );
    if (worstCostNanoUsd === null) throw new Error('there is a cost cap, but no price for this model');
    const spent = spentNanoUsd(history, task);
    if (spent !== null && spent + worstCostNanoUsd <= task.allowanceNanoUsd) return null;
    return { status: 'unsettled', spentNanoUsd: spentNanoUsd(history), worstCostNanoUsd };
  };

  /** What the prompt has cost so far, read afresh; `null` where not even that can be read. */
  const spentSoFar = async ({ shard, index }: PromptTask): Promise<number | null> => {
    try {
      const { reader } = await store.ledger(shard);
      await reader.refresh();
      return spentNanoUsd(reader.history(index));
    } catch {
      // The failure under way says what is wrong with the store.
      return null;
    }
  };

  const begin = (task: PromptTask): Step => {
    const abort = new AbortController();
    const done = step(task, abort.signal).finally(() => steps.delete(task.index));
    const begun = { done, abort };
    steps.set(task.index, begun);
    return begun;
  };

  const completePrompt = async (task: PromptTask): Promise<Receipt | Unsettled> => {
    for (;;) {
      const receipt = await orCancelled(steps.get(task.index) ?? begin(task));
      if (receipt) return receipt;
    }
  };

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

/** One request and its record. Resolves when there is something new to decide on, throws to wait or to pause. */
function createBuy(
  { api, prices, worker, ...dependencies }: CompletePromptDependencies,
  task: PromptTask,
  { writer }: ShardLedger,
  item: PromptItem,
  settings: RequestSettings,
): (standing: Standing, signal: AbortSignal) => Promise<void> {
  const { requestTimeoutMs, idleTimeoutMs } = task.limits;
  return async (standing, signal) => {
    const provider = openApi(() => api(settings, task.limits));
    const samples = standing.missing.slice(0, provider.choicesPerRequest(standing.missing.length));
    const request = toRequest(item, settings, samples);
    const start = stamp(dependencies, task);
    const worstCostNanoUsd = prices(settings, task.limits).worstCost(request, dependencies.now());
    await writer.append({ type: 'start', ...start, samples, worker, worstCostNanoUsd }, { durable: false });

    const sentAt = performance.now();
    let response: CompletionResponse;
    try {
      response = await provider.complete(request, { signal, requestTimeoutMs, idleTimeoutMs });
    } catch (error) {
      const { fault, next } = signal.aborted
        ? { fault: abortedFault, next: { then: 'decide' as const } }
        : faultAndNext(error);
      await writer.append(
        {
          type: 'fault',
          ...stamp(dependencies, task),
          start: start.id,
          failure: fault.failure,
          status: fault.status,
          message: fault.message,
          requestId: fault.requestId,
          retryDelayMs: next.then === 'retry' ? next.delayMs : null,
          possiblyPaid: fault.possiblyPaid,
        },
        { durable: false },
      );
      if (next.then === 'retry') throw retryIn(next.delayMs, fault.failure, fault.message);
      if (next.then === 'pause') throw pausing(fault.failure, next.message);
      return;
    }

    const end = stamp(dependencies, task);
    await writer.append(
      {
        type: 'answer',
        ...end,
        start: start.id,
        choices: response.choices
          .slice(0, samples.length)
          .map((choice, position) => ({ sample: samples[position]!, ...choice })),
        usage: response.usage,
        ...prices(settings, task.limits).cost(request, response, new Date(end.at)),
        latencyMs: Math.round(performance.now() - sentAt),
        model: response.model,
        requestId: response.requestId,
      },
      { durable: true },
    );

    function faultAndNext(error: unknown) {
      const fault = toProviderFault(error, dependencies.now());
      const next = afterFault(
        fault,
        standing,
        task.limits,
        dependencies.now().getTime(),
        dependencies.random(),
      );
      return { fault, next };
    }
  };
}

/** A worker without a usable key hands the prompt back before anything is sent. */
function openApi(open: () => CompletionApi): CompletionApi {
  try {
    return open();
  } catch (error) {
    if (error instanceof ProviderFault) throw pausing(error.failure, error.message);
    throw error;
  }
}

const abortedFault = {
  failure: 'Completion.Aborted',
  status: null,
  message: 'the request was aborted: the batch was cancelled or its worker stopped at once',
  requestId: null,
  possiblyPaid: true,
} as const;

const stamp = ({ now }: Pick<CompletePromptDependencies, 'now'>, { index, run, turn }: PromptTask) => ({
  id: randomUUID(),
  at: now().toISOString(),
  index,
  run,
  turn,
  attempt: Context.current().info.attempt,
});
