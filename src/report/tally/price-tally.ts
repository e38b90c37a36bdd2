import type { Price } from '../../core/settings.ts';
import type { BoughtAnswer } from '../../store/ledger/outcome.ts';

/** A price that answers were charged with; figures in US dollars per million tokens, `null` where unknown or, with the source `provider`, not told. */
export interface UsedPrice {
  model: string;
  input_per_million: number | null;
  cached_per_million: number | null;
  output_per_million: number | null;
  source: Price['source'] | null;
  /** The service tier that the answers name; absent where they name none. */
  tier?: string;
  answers: number;
  /** ISO 8601, UTC. */
  first_used: string;
  last_used: string;
}

/** By model and figures: a model whose price changes with the hour has one entry for each. */
export type PriceTally = ReadonlyMap<string, UsedPrice>;

export const emptyPrices: PriceTally = new Map();

export const priced = (tally: PriceTally, answers: readonly BoughtAnswer[]): PriceTally => {
  if (answers.length === 0) return tally;
  const prices = new Map(tally);
  for (const { model, price, at } of answers) {
    const key = JSON.stringify([
      model,
      price?.inputPerMillion,
      price?.cachedPerMillion,
      price?.outputPerMillion,
      price?.source,
      price?.tier,
    ]);
    const known = prices.get(key);
    prices.set(key, {
      model,
      input_per_million: price?.inputPerMillion ?? null,
      cached_per_million: price?.cachedPerMillion ?? null,
      output_per_million: price?.outputPerMillion ?? null,
      source: price?.source ?? null,
      ...(price?.tier !== undefined && { tier: price.tier }),
      answers: (known?.answers ?? 0) + 1,
      first_used: known && known.first_used < at ? known.first_used : at,
      last_used: known && known.last_used > at ? known.last_used : at,
    });
  }
  return prices;
};

/** In the order of their first use. */
export const toUsedPrices = (tally: PriceTally): UsedPrice[] =>
  [...tally.values()].sort((a, b) => (a.first_used < b.first_used ? -1 : 1));
