import type { Price, RequestSettings, RunLimits } from '../../core/settings.ts';
import type { Usage } from '../../core/receipt.ts';
import type { PriceTable } from '../../prices/price-table.ts';
import type { CompletionRequest, CompletionResponse } from '../completion-api.ts';
import { costNanoUsd, type PriceKey, priceOf, worstCostNanoUsd } from './prices.ts';
import type { Surcharge } from './surcharge.ts';

export interface AnswerCost {
  /** Integer nano-USD. */
  costNanoUsd: number | null;
  /** What the cached part of the input made cheaper, integer nano-USD. */
  cacheSavingNanoUsd: number | null;
  price: Price | null;
}

/** What a batch's requests cost; `null` where the price is unknown. */
export interface RequestPrices {
  /** By the provider's own figure; else by the model that answered, or by the one that was asked where only that has a price. */
  cost(asked: CompletionRequest, answer: CompletionResponse, at: Date): AnswerCost;
  /** At most, whatever comes back, in integer nano-USD. `withinMs`: how far ahead it may be billed. Default: the request's own timeout. */
  worstCost(
    request: Pick<CompletionRequest, 'model' | 'messages' | 'maxTokens' | 'n' | 'extraBody'>,
    at: Date,
    withinMs?: number,
  ): number | null;
}

const NO_COST: AnswerCost = { costNanoUsd: null, cacheSavingNanoUsd: null, price: null };
const NANO_USD = 1_000_000_000;

export interface PricedBy {
  /** Default: the bundled one. */
  table?: PriceTable;
  /** What this batch's provider was seen to charge beyond the worst case. Default: nothing. */
  surcharge?: Pick<Surcharge, 'factor'>;
}

export function requestPrices(
  { provider, baseUrl }: RequestSettings,
  { prices, requestTimeoutMs }: Pick<RunLimits, 'prices'> & Partial<Pick<RunLimits, 'requestTimeoutMs'>>,
  { table, surcharge }: PricedBy = {},
): RequestPrices {
  const keyOf = (model: string): PriceKey => ({
    ...{ provider, baseUrl, model, table },
    override: prices ?? undefined,
  });
  return {
    cost: (asked, answer, at) => {
      const { model, usage, tier = null, billedUsd = null } = answer;
      const key = [model, asked.model].map(keyOf).find((one) => priceOf(one, at, tier) !== null);
      const byTable = key ? costWith(key, usage, at, tier) : NO_COST;
      // 0 may mean that it does not know: free models are free by the table too.
      if (billedUsd === null || billedUsd <= 0 || prices !== null) return byTable;
      return withBill(Math.round(billedUsd * NANO_USD), byTable, usage, tier);
    },
    worstCost: (request, at, withinMs = requestTimeoutMs) => {
      const worst = worstCostNanoUsd(request, keyOf(request.model), at, withinMs);
      return worst === null ? null : atMostRecorded(Math.ceil(worst * (surcharge?.factor ?? 1)));
    },
  };
}

/** A ledger record holds no larger amount: some nine million US dollars. */
const atMostRecorded = (nanoUsd: number): number => Math.min(nanoUsd, Number.MAX_SAFE_INTEGER);

function costWith(key: PriceKey, usage: Usage | null, at: Date, tier: string | null): AnswerCost {
  const cost = costNanoUsd(usage, key, at, tier);
  const uncached = usage && costNanoUsd({ ...usage, cached: 0 }, key, at, tier);
  return {
    costNanoUsd: cost === null ? null : atMostRecorded(cost),
    cacheSavingNanoUsd: cost === null || uncached === null ? null : uncached - cost,
    price: priceOf(key, at, tier),
  };
}

/** The amount is the provider's; what the cache saved is still the table's to say. */
function withBill(
  billedNanoUsd: number,
  { cacheSavingNanoUsd, price }: AnswerCost,
  usage: Usage | null,
  tier: string | null,
): AnswerCost {
  const { inputPerMillion = null, cachedPerMillion = null, outputPerMillion = null } = price ?? {};
  return {
    costNanoUsd: billedNanoUsd,
    cacheSavingNanoUsd: usage?.cached === 0 ? 0 : cacheSavingNanoUsd,
    price: {
      ...{ inputPerMillion, cachedPerMillion, outputPerMillion },
      source: 'provider',
      ...(tier !== null && { tier }),
    },
  };
}
