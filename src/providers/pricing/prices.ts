/** What requests cost: by a price table, or by the user's own prices. No network. */
import type { Message } from '../../core/prompt.ts';
import type { Price, PriceOverride, ProviderName } from '../../core/settings.ts';
import type { Usage } from '../../core/receipt.ts';
import { bundledTable } from '../../prices/bundled-table.ts';
import { costOf, modelOf, pricesAt, providerAt, providerById } from '../../prices/find-price.ts';
import type { PricedModel, PricedProvider, PriceTable, TokenPrice } from '../../prices/price-table.ts';
import { priceMoments } from '../../prices/price-times.ts';
import { mostPromptTokens } from './prompt-tokens.ts';

/** Whose price: what decides besides time and tokens. */
export interface PriceKey {
  provider: ProviderName;
  baseUrl: string;
  model: string;
  override?: PriceOverride | undefined;
  /** Default: the bundled one. */
  table?: PriceTable | undefined;
}

const DAY_MS = 86_400_000;
const NANO_USD = 1_000_000_000;
/** A price per million tokens, in nano-USD a token. */
const NANO_PER_TOKEN = NANO_USD / 1_000_000;

/**
 * Who bills. An address the table knows decides (`openai-compatible` at OpenRouter is OpenRouter). At any
 * other address, `deepseek` and `openai` are taken at the user's word: a gateway to them. An
 * `openai-compatible` server nobody knows has no price, whatever its models are called.
 */
export function billerOf(
  table: PriceTable,
  { provider, baseUrl }: Pick<PriceKey, 'provider' | 'baseUrl'>,
): PricedProvider | undefined {
  const byAddress = providerAt(table, baseUrl);
  if (byAddress !== undefined) return byAddress;
  return provider === 'deepseek' || provider === 'openai' ? providerById(table, provider) : undefined;
}

const models = new WeakMap<PriceTable, Map<string, PricedModel | undefined>>();

/** Looked up once: a table has hundreds of patterns to try. */
export function pricedModelOf(key: PriceKey): PricedModel | undefined {
  const table = tableOf(key);
  const known = models.get(table) ?? new Map<string, PricedModel | undefined>();
  models.set(table, known);
  const id = JSON.stringify([key.provider, key.baseUrl, key.model]);
  if (!known.has(id)) {
    const biller = billerOf(table, key);
    known.set(id, biller && modelOf(table, biller, key.model));
  }
  return known.get(id);
}

const tableOf = ({ table = bundledTable }: PriceKey): PriceTable => table;

/** The table's answer; `null` where the model has no price for its tokens. */
function tablePrices(key: PriceKey, at: Date, tier: string | null) {
  const model = pricedModelOf(key);
  return model ? pricesAt(tableOf(key), model, at, tier) : null;
}

type FixedPrice = Required<PriceOverride> & Pick<Price, 'source'>;

/** The user's own prices, or those of the simulated provider, which really costs nothing. */
function fixedPrice({ override, provider }: PriceKey): FixedPrice | null {
  if (override !== undefined) {
    const { inputPerMillion, outputPerMillion, cachedPerMillion = inputPerMillion } = override;
    return { inputPerMillion, cachedPerMillion, outputPerMillion, source: 'user' };
  }
  if (provider !== 'simulated') return null;
  return { inputPerMillion: 0, cachedPerMillion: 0, outputPerMillion: 0, source: 'simulated' };
}

/** `null`: unknown, never 0. `tier` is the one that served the request; `null`: the usual one. */
export function priceOf(key: PriceKey, at: Date, tier: string | null = null): Price | null {
  const fixed = fixedPrice(key);
  if (fixed !== null) return { ...fixed, ...(tier !== null && { tier }) };
  const prices = tablePrices(key, at, tier);
  if (prices === null) return null;
  return {
    inputPerMillion: base(prices.input),
    cachedPerMillion: base(prices.cached ?? prices.input),
    outputPerMillion: base(prices.output),
    source: 'table',
    ...(tier !== null && { tier }),
  };
}

const base = (price: TokenPrice | undefined): number =>
  typeof price === 'object' ? price.base : (price ?? 0);

/** Integer nano-USD of one response, at the price of its time; `null` where price or usage is unknown. */
export function costNanoUsd(
  usage: Usage | null,
  key: PriceKey,
  at: Date,
  tier: string | null = null,
): number | null {
  if (usage === null) return null;
  const cached = Math.min(usage.cached, usage.prompt);
  const price = fixedPrice(key);
  if (price !== null) {
    return Math.round(
      NANO_PER_TOKEN *
        ((usage.prompt - cached) * price.inputPerMillion +
          cached * price.cachedPerMillion +
          usage.completion * price.outputPerMillion),
    );
  }
  const prices = tablePrices(key, at, tier);
  if (prices === null) return null;
  const reasoning = Math.min(usage.reasoning, usage.completion);
  const { prompt: input, completion: output } = usage;
  return Math.round(costOf(prices, { input, cached, cacheWrite: 0, output, reasoning }));
}

// ---------------------------------------------------------------- worst case

export interface WorstCaseRequest {
  messages: Message[];
  maxTokens: number;
  n: number;
  /** What of it is input (the schema of a `response_format`) is billed. */
  extraBody?: Record<string, unknown>;
}

/**
 * Integer nano-USD this request can cost at most, with a provider that honours its token limit: input
 * bounded from above and not cached (or written to a cache, where that is dearer), every choice as long
 * as allowed, at the dearest time from `at` on within `withinMs` (default: a day), in the tier it asks for or the
 * usual one. `null`: price unknown.
 */
export function worstCostNanoUsd(
  request: WorstCaseRequest,
  key: PriceKey,
  at: Date,
  withinMs = DAY_MS,
): number | null {
  const further = request.extraBody ? Buffer.byteLength(JSON.stringify(request.extraBody)) : 0;
  const input = mostPromptTokens(request.messages) + further;
  const output = request.maxTokens * request.n;
  const price = fixedPrice(key);
  if (price !== null) {
    const perInput = Math.max(price.inputPerMillion, price.cachedPerMillion);
    return Math.ceil(NANO_PER_TOKEN * (input * perInput + output * price.outputPerMillion));
  }
  const asked = request.extraBody?.['service_tier'];
  const tiers = typeof asked === 'string' ? [null, asked] : [null];
  let worst: number | null = null;
  for (const moment of momentsOfPrices(key, at, withinMs)) {
    for (const tier of tiers) {
      const prices = tablePrices(key, moment, tier);
      if (prices === null) {
        // What the tier costs is not known: the request may still be served in the usual one.
        if (tier === null) return null;
        continue;
      }
      const tokens = { input, cached: 0, cacheWrite: 0, output };
      for (const cacheWrite of [0, prices.cacheWrite === undefined ? 0 : input])
        for (const reasoning of [0, prices.reasoning === undefined ? 0 : output])
          worst = Math.max(worst ?? 0, costOf(prices, { ...tokens, cacheWrite, reasoning }));
    }
  }
  return worst === null ? null : Math.ceil(worst);
}

/** From `from` on, one moment for each price that the model has within that time; `from` alone where it has none. */
export function momentsOfPrices(key: PriceKey, from: Date, withinMs: number): Date[] {
  const model = fixedPrice(key) === null ? pricedModelOf(key) : undefined;
  return model ? priceMoments(tableOf(key), model, from, new Date(from.getTime() + withinMs)) : [from];
}
