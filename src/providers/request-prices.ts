import type { RequestSettings, Usage } from '../contract.ts';
import type { CompletionRequest, CompletionResponse } from './completion-api.ts';
import { costNanoUsd, type PriceKey, worstCostNanoUsd } from './prices.ts';

/** What a batch's requests cost, in integer nano-USD; `null` where the price is unknown. */
export interface RequestPrices {
  /** By the model that answered; by the one that was asked where only that has a price. */
  cost(asked: CompletionRequest, answer: CompletionResponse, at: Date): number | null;
  /** At most, whatever comes back. */
  worstCost(request: CompletionRequest, at: Date): number | null;
}

export function requestPrices({ provider, baseUrl }: RequestSettings): RequestPrices {
  const keyOf = (model: string): PriceKey => ({ provider, baseUrl, model });
  const cost = (usage: Usage | null, model: string, at: Date): number | null =>
    costNanoUsd(usage, keyOf(model), at);
  return {
    cost: (asked, { model, usage }, at) => cost(usage, model, at) ?? cost(usage, asked.model, at),
    worstCost: (request, at) => worstCostNanoUsd(request, keyOf(request.model), at),
  };
}
