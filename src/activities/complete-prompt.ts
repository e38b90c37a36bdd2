import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { PromptItem, PromptTask, Receipt, RequestSettings, RunLimits } from '../contract.ts';
import type { CompletionApi, CompletionRequest, CompletionResponse } from '../providers/completion-api.ts';
import { ProviderFault, toProviderFault } from '../providers/provider-fault.ts';
import type { RequestPrices } from '../providers/request-prices.ts';
import { completionsOf } from '../store/batch-reading.ts';
import type { BatchStore, ShardLedger } from '../store/batch-store.ts';
import { type Standing, standingOf } from '../store/standing.ts';
import { afterFault, pausing, retryIn, toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeating.ts';
import { promptEnd, receiptOf } from './prompt-end.ts';

export type CompletePrompt = (task: PromptTask) => Promise<Receipt>;

export interface CompletePromptDependencies {
  store: BatchStore;
  /** Throws `ProviderFault` (account) if this worker has no key for it. */
  api(settings: RequestSettings, limits: RunLimits): CompletionApi;
  prices(settings: RequestSettings): RequestPrices;
  /** Aborted when the worker shall end after the requests in hand. */
  stopping: AbortSignal;
  /** Identity of this process. */
  worker: string;
  now: () => Date;
  random: () => number;
}

/** Gives a stopping worker time to stop polling, so that it is not handed the same prompt again. */
const STOPPING_DELAY_MS = 500;

/** A request on its way. It outlives the attempt that sent it: the next attempt in this process waits for it. */
interface Purchase {
  done: Promise<void>;
  abort: AbortController;
}

/**
 * Buys what is missing of one prompt, request by request, and settles it. The ledger is asked first
 * and told last: a start before a request is sent, the answer before anyone hears of it.
 */
export function createCompletePrompt(dependencies: CompletePromptDependencies): CompletePrompt {
  const { store, stopping } = dependencies;
  const purchases = new Map<number, Purchase>();

  const completePrompt = async (task: PromptTask): Promise<Receipt> => {
    const ledger = await store.ledger(task.shard);
    const manifest = await store.manifest();
    const item = await store.prompt(task.shard, task.index);
    const wanted = completionsOf(item, manifest);
    const look = async (): Promise<Standing> => {
      await ledger.writer.saveUnsaved();
      await ledger.reader.refresh();
      return standingOf(ledger.reader.history(task.index), wanted, task);
    };
    const buy = createBuy(dependencies, task, ledger, item, manifest.settings);

    for (;;) {
      const underWay = purchases.get(task.index);
      if (underWay) await orCancelled(underWay);
      const standing = await look();
      if (standing.settled) return receiptOf(standing);
      const end = promptEnd(standing, ledger.reader.history(task.index), task);
      if (end) {
        await ledger.writer.append(
          { type: 'settled', ...stamp(dependencies, task), ...end },
          { durable: false },
        );
        continue;
      }
      if (stopping.aborted)
        throw retryIn(STOPPING_DELAY_MS, 'Worker.Stopping', 'the worker stops; the prompt goes on elsewhere');
      const abort = new AbortController();
      const purchase = {
        abort,
        done: buy(standing, abort.signal).finally(() => purchases.delete(task.index)),
      };
      purchases.set(task.index, purchase);
      await orCancelled(purchase);
    }
  };

  return (task) =>
    heartbeating(() => completePrompt(task)).catch((error: unknown) => {
      throw toActivityFailure(error);
    });
}

/**
 * Waits for a purchase unless the attempt is cancelled first. Only the batch's own cancel, or a worker
 * that must go now, aborts the request. An attempt that Temporal gave away (server restarted, network
 * lost) lets it go on: its answer is as good to the next attempt.
 */
async function orCancelled({ done, abort }: Purchase): Promise<void> {
  try {
    await Promise.race([done, Context.current().cancelled]);
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
    const worstCostNanoUsd = prices(settings).worstCost(request, dependencies.now());
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
        costNanoUsd: prices(settings).cost(request, response, new Date(end.at)),
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
  failure: 'Completion.Fault',
  status: null,
  message: 'the request was aborted: the batch was cancelled or its worker stopped at once',
  requestId: null,
  possiblyPaid: true,
} as const;

function toRequest(item: PromptItem, settings: RequestSettings, samples: number[]): CompletionRequest {
  return {
    model: item.model ?? settings.model,
    messages: item.messages ?? [{ role: 'user', content: item.prompt ?? '' }],
    temperature: item.temperature ?? settings.temperature,
    topP: item.top_p ?? settings.topP,
    maxTokens: item.max_tokens ?? settings.maxTokens,
    n: samples.length,
    thinking: settings.thinking,
    promptId: item.prompt_id,
    samples,
  };
}

const stamp = ({ now }: Pick<CompletePromptDependencies, 'now'>, { index, run, turn }: PromptTask) => ({
  id: randomUUID(),
  at: now().toISOString(),
  index,
  run,
  turn,
  attempt: Context.current().info.attempt,
});
