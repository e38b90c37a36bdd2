import type { Price, RequestSettings, RunLimits, Usage } from '../contract.ts';
import type { CompletionRequest, CompletionResponse } from './completion-api.ts';
import { costNanoUsd, type PriceKey, priceOf, worstCostNanoUsd } from './prices.ts';

export interface AnswerCost {
  /** Integer nano-USD. */
  costNanoUsd: number | null;
  /** What the cached part of the input made cheaper, integer nano-USD. */
  cacheSavingNanoUsd: number | null;
  price: Price | null;
}

/** What a batch's requests cost; `null` where the price is unknown. */
export interface RequestPrices {
  /** By the model that answered; by the one that was asked where only that has a price. */
  cost(asked: CompletionRequest, answer: CompletionResponse, at: Date): AnswerCost;
  /** At most, whatever comes back, in integer nano-USD. */
  worstCost(
    request: Pick<CompletionRequest, 'model' | 'messages' | 'maxTokens' | 'n' | 'extraBody'>,
    at: Date,
  ): number | null;
}

export function requestPrices(
  { provider, baseUrl }: RequestSettings,
  { prices }: Pick<RunLimits, 'prices'>,
): RequestPrices {
  const keyOf = (model: string): PriceKey => ({ provider, baseUrl, model, override: prices ?? undefined });
  return {
    cost: (asked, { model, usage }, at) => {
      const key = [model, asked.model].map(keyOf).find((candidate) => priceOf(candidate, at) !== null);
      return key ? costWith(key, usage, at) : { costNanoUsd: null, cacheSavingNanoUsd: null, price: null };
    },
    worstCost: (request, at) => worstCostNanoUsd(request, keyOf(request.model), at),
  };
}

function costWith(key: PriceKey, usage: Usage | null, at: Date): AnswerCost {
  const cost = costNanoUsd(usage, key, at);
  const uncached = usage && costNanoUsd({ ...usage, cached: 0 }, key, at);
  return {
    costNanoUsd: cost,
    cacheSavingNanoUsd: cost === null || uncached === null ? null : uncached - cost,
    price: priceOf(key, at),
  };
}
