import type { PromptItem } from '../core/prompt.ts';
import type { Receipt } from '../core/receipt.ts';
import type { RequestSettings, RunLimits } from '../core/settings.ts';
import type { CompletionApi, CompletionResponse } from '../providers/completion-api.ts';
import { ProviderFault, toProviderFault } from '../providers/provider-fault.ts';
import { faultSentence } from '../providers/fault-sentence.ts';
import { createSurcharge, type Surcharge } from '../providers/pricing/surcharge.ts';
import type { PriceTable } from '../prices/price-table.ts';
import type { RequestPrices } from '../providers/pricing/request-prices.ts';
import type { BatchStore } from '../store/batch-store.ts';
import type { LedgerWriter } from '../store/ledger/ledger-writer.ts';
import type { AnswerRecord, FaultRecord, SettledRecord, StartRecord } from '../store/ledger/records.ts';
import type { PromptState } from '../store/ledger/prompt-state.ts';
import type { Liveness } from '../store/workers/worker-liveness.ts';
import { afterFault, againIn, pausing, retryIn } from './failures.ts';
import type { PromptTurn } from './prompt-turn.ts';
import { mostTokensOf, toRequest } from './request.ts';
import { answered, type RequestGate, unanswered, unsent } from './request-gate.ts';
import { stamp } from './stamp.ts';

export interface BuyDependencies {
  store: BatchStore;
  /** Throws `ProviderFault` (account) if this worker has no key for it. */
  api(settings: RequestSettings, limits: RunLimits): CompletionApi;
  /** Without a table, by the bundled one. */
  prices(settings: RequestSettings, limits: RunLimits, table?: PriceTable): RequestPrices;
  /** The table that a run of the batch began with. Default: the bundled one. */
  priceTable?: (run: number) => Promise<PriceTable>;
  /** What this batch's provider charges beyond the worst case; shared with `prices`. Default: kept, and never looked at. */
  surcharge?: Surcharge;
  /** Of all requests of this process that these limits hold for. */
  gate(settings: RequestSettings, limits: RunLimits): RequestGate;
  /** Aborted when the worker shall end after the requests in hand. */
  stopping: AbortSignal;
  /** Identity of this process. */
  worker: string;
  liveness: Liveness;
  /** Called with work that may outlive the attempt that started it: the process must not end before it. */
  outlives?(work: Promise<unknown>): void;
  now: () => Date;
  random: () => number;
}

/** What an answer leads to: the prompt's end, to be written together with it. */
export interface PromptClose {
  settled: SettledRecord;
  receipt: Receipt;
}

/** What the buyer asks back. */
export interface BuyChecks {
  /** After a wait: whether these samples are still to be bought. */
  stillMissing(): Promise<boolean>;
  /** Whether another worker may have this prompt in hand: a start is then synced, so that it sees it. */
  isContested(): boolean;
  /** Asked last, once the start is written: whether the request may be sent, because no other worker is asking. */
  maySend(): Promise<boolean>;
  /** Whether a request that was just answered is the prompt's last. */
  closeWith(start: StartRecord, answer: AnswerRecord): PromptClose | null;
}

export type Buy = (
  promptState: PromptState,
  signal: AbortSignal,
  checks: BuyChecks,
) => Promise<Receipt | null>;

/** One request and its record. Resolves with the prompt's end, or to `null`: there is something new to decide on; throws to wait or to pause. */
export function createBuy(
  { api, worker, surcharge = createSurcharge(), ...dependencies }: BuyDependencies,
  task: PromptTurn,
  writer: LedgerWriter,
  item: PromptItem,
  settings: RequestSettings,
  prices: RequestPrices,
): Buy {
  const { requestTimeoutMs, idleTimeoutMs } = task.limits;
  const gate = dependencies.gate(settings, task.limits);
  return async (promptState, signal, { stillMissing, isContested, maySend, closeWith }) => {
    const provider = openApi(() => api(settings, task.limits));
    const samples = promptState.missing.slice(0, provider.choicesPerRequest(promptState.missing.length));
    const request = toRequest(item, settings, samples);
    const passage = await gate.enter({ mostTokens: mostTokensOf(request), promptId: item.prompt_id }, signal);
    try {
      return (await stillMissing()) ? await ask() : null;
    } finally {
      // Of what has left before it says nothing more.
      passage.leave(unsent);
    }

    async function ask(): Promise<Receipt | null> {
      const worstCostNanoUsd = prices.worstCost(request, dependencies.now());
      const raise = surcharge.factor;
      const start: StartRecord = {
        type: 'start',
        ...stamp(dependencies.now, task),
        samples,
        worker,
        worstCostNanoUsd,
        ...(raise > 1 && { raise }),
        requestTimeoutMs,
      };
      if (!(await isToBeSent(start))) return null;

      const sentAt = performance.now();
      let response: CompletionResponse;
      try {
        response = await provider.complete(request, { signal, requestTimeoutMs, idleTimeoutMs });
        passage.leave(answered(response, performance.now() - sentAt));
      } catch (error) {
        const { fault, next } = signal.aborted
          ? { fault: abortedFault, next: { then: 'decide' as const } }
          : faultAndNext(error, passage.unavailableSince ?? null);
        passage.leave(unanswered(fault, performance.now() - sentAt, next.then === 'pause'));
        const retryDelayMs = next.then === 'retry' ? next.delayMs : null;
        await writer.append(faultOf(start, fault, retryDelayMs), { durable: false });
        if (next.then === 'retry')
          throw retryIn(next.delayMs, fault.failure, faultSentence(fault, settings) + againIn(next.delayMs));
        if (next.then === 'pause') throw pausing(fault.failure, next.message);
        return null;
      }

      const end = stamp(dependencies.now, task);
      const answer: AnswerRecord = {
        type: 'answer',
        ...end,
        start: start.id,
        choices: response.choices
          .slice(0, samples.length)
          .map((choice, position) => ({ sample: samples[position]!, ...choice })),
        usage: response.usage,
        ...(response.doubtfulUsage && { doubtfulUsage: response.doubtfulUsage }),
        ...prices.cost(request, response, new Date(end.at)),
        latencyMs: Math.round(performance.now() - sentAt),
        model: response.model,
        requestId: response.requestId,
      };
      const close = closeWith(start, answer);
      const records = close ? [answer, close.settled] : [answer];
      // One write and one fsync for both: neither is told to anyone before.
      await Promise.all(records.map((record) => writer.append(record, { durable: true })));
      surcharge.note({ costNanoUsd: answer.costNanoUsd, worstCostNanoUsd, raise });
      return close && close.receipt;
    }

    /** Writes the start; and its end, if the request is not sent after all. Otherwise it would count as one that may have been paid. */
    async function isToBeSent(start: StartRecord): Promise<boolean> {
      await writer.append(start, { durable: isContested() });
      const noteUnsent = (): Promise<void> => {
        passage.leave(unsent);
        return writer.append(faultOf(start, unsentFault, null), { durable: false });
      };
      let isSent: boolean;
      try {
        isSent = await maySend();
      } catch (error) {
        await noteUnsent().catch(() => {
          // The writer keeps a fault that no disk takes, and the first error is the one to tell.
        });
        throw error;
      }
      if (!isSent) await noteUnsent();
      return isSent;
    }

    function faultOf(
      start: StartRecord,
      { failure, status, message, requestId, possiblyPaid }: FaultFacts,
      retryDelayMs: number | null,
    ): FaultRecord {
      return {
        type: 'fault',
        ...stamp(dependencies.now, task),
        ...{ start: start.id, failure, status, message, requestId, retryDelayMs, possiblyPaid },
      };
    }

    function faultAndNext(error: unknown, unavailableSince: number | null) {
      const fault = toProviderFault(error, dependencies.now());
      const { failure, retryAfterMs } = fault;
      const next = afterFault(
        { failure, retryAfterMs, message: faultSentence(fault, settings) },
        { ...promptState, unavailableSince: earlier(promptState.unavailableSince, unavailableSince) },
        task.limits,
        dependencies.now().getTime(),
        dependencies.random(),
      );
      return { fault, next };
    }
  };
}

const earlier = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);

/** A worker without a usable key hands the prompt back before anything is sent. */
function openApi(open: () => CompletionApi): CompletionApi {
  try {
    return open();
  } catch (error) {
    if (error instanceof ProviderFault) throw pausing(error.failure, error.message);
    throw error;
  }
}

type FaultFacts = Pick<FaultRecord, 'failure' | 'status' | 'message' | 'requestId' | 'possiblyPaid'>;

const unsentFault = {
  failure: 'Completion.Aborted',
  status: null,
  message:
    'the request was not sent: another process is sending it, or this one was frozen or cut off from the batch folder',
  requestId: null,
  possiblyPaid: false,
} as const;

const abortedFault = {
  failure: 'Completion.Aborted',
  status: null,
  retryAfterMs: null,
  message: 'the request was aborted: the batch was cancelled or its worker stopped at once',
  requestId: null,
  possiblyPaid: true,
} as const;
