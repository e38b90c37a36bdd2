/** The one evaluator of price tables: whose price, of which model, at what time, in which tier, for how many tokens. */
import type {
  ModelMatch,
  PricedModel,
  PricedProvider,
  PriceTable,
  PriceTimes,
  TokenPrice,
  TokenPrices,
} from './price-table.ts';
import { isWorkday } from './work-calendar.ts';
import { ownValue } from '../core/own-value.ts';

export const providerById = ({ providers }: PriceTable, id: string): PricedProvider | undefined =>
  providers.find((provider) => provider.id === id);

/** The provider at an address, without a query. */
export function providerAt({ providers }: PriceTable, baseUrl: string): PricedProvider | undefined {
  if (!URL.canParse(baseUrl)) return undefined;
  const { origin, pathname } = new URL(baseUrl);
  const address = origin + pathname;
  const found = providers.find((provider) => beginningOf(provider, address) !== undefined);
  // The patterns have open ends: https://api.openai.com.example.org must not be OpenAI.
  return found && beginningOf(found, address)!.length >= origin.length ? found : undefined;
}

const beginningOf = ({ address: pattern }: PricedProvider, address: string): string | undefined =>
  new RegExp(`^(?:${pattern})`).exec(address)?.[0];

/** A date as `-20260731` is taken for `-2026-07-31` where only that is known. */
const COMPACT_DATE = /-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g;

export function modelOf(table: PriceTable, provider: PricedProvider, name: string): PricedModel | undefined {
  const wanted = name.toLowerCase();
  const spelt = wanted.replace(COMPACT_DATE, '-$1-$2-$3');
  return find(table, provider, wanted) ?? (spelt === wanted ? undefined : find(table, provider, spelt));
}

function find(table: PriceTable, provider: PricedProvider, name: string): PricedModel | undefined {
  const sellers = [provider, ...(provider.fallbacks ?? []).map((id) => providerById(table, id))];
  for (const seller of sellers) {
    const found = seller?.models.find(({ match }) => matches(match, name));
    if (found) return found;
  }
  return undefined;
}

/** No model has a longer name, and an expression can take long over one. */
const MAX_MATCHED = 100;

/** `name` is in lower case. */
function matches(match: ModelMatch, name: string): boolean {
  if ('equals' in match) return name === match.equals.toLowerCase();
  if ('starts_with' in match) return name.startsWith(match.starts_with.toLowerCase());
  if ('ends_with' in match) return name.endsWith(match.ends_with.toLowerCase());
  if ('contains' in match) return name.includes(match.contains.toLowerCase());
  if ('regex' in match) return name.length <= MAX_MATCHED && new RegExp(match.regex).test(name);
  if ('or' in match) return match.or.some((one) => matches(one, name));
  return match.and.every((one) => matches(one, name));
}

/** Tiers that cost more than usual: without a price of their own, theirs is unknown. All others cost at most what is usual. */
const DEARER_TIERS = new Set(['priority', 'fast']);

/**
 * What tokens cost at a moment, in the tier that served the request (`null`: the usual one), in whatever case a provider
 * writes it. `null` where input or output has no price.
 */
export function pricesAt(
  table: PriceTable,
  model: PricedModel,
  at: Date,
  namedTier: string | null = null,
): TokenPrices | null {
  const tier = namedTier?.trim().toLowerCase() ?? null;
  const usual = model.prices.findLast((one) => holds(table, one, at)) ?? model.prices[0];
  if (usual === undefined) return null;
  const ofTier = (model.tiers ?? []).filter((one) => one.tier === tier && holds(table, one, at));
  if (tier !== null && ofTier.length === 0 && DEARER_TIERS.has(tier)) return null;
  // Of several for one kind of tokens the first counts.
  const prices = Object.assign({}, usual, ...ofTier.toReversed()) as TokenPrices;
  return prices.input === undefined || prices.output === undefined ? null : prices;
}

function holds({ calendars }: PriceTable, { from, hours, workdaysOf }: PriceTimes, at: Date): boolean {
  if (from !== undefined && at.getTime() < Date.parse(from)) return false;
  if (hours !== undefined && !isWithin(hours, at.toISOString().slice(11, 16))) return false;
  const calendar = workdaysOf === undefined ? undefined : ownValue(calendars, workdaysOf);
  return calendar === undefined || isWorkday(calendar, at);
}

const isWithin = ([start, end]: [string, string], time: string): boolean =>
  end < start ? time >= start || time < end : time >= start && time < end;

export interface CountedTokens {
  input: number;
  /** Part of the input. */
  cached: number;
  cacheWrite: number;
  output: number;
  /** Part of the output. */
  reasoning: number;
}

/** A price per million tokens, in nano-USD a token. */
const NANO_PER_TOKEN = 1000;
const NANO_USD = 1_000_000_000;

/** Nano-USD, with fractions. */
export function costOf(prices: TokenPrices, tokens: CountedTokens): number {
  const { input, cached, cacheWrite, output, reasoning } = tokens;
  const of = (price: TokenPrice | undefined): number => priceFor(price ?? 0, input);
  const other = input - cached - cacheWrite;
  return (
    NANO_PER_TOKEN *
      (other * of(prices.input) +
        cached * of(prices.cached ?? prices.input) +
        cacheWrite * of(prices.cacheWrite ?? prices.input) +
        (output - reasoning) * of(prices.output) +
        reasoning * of(prices.reasoning ?? prices.output)) +
    NANO_USD * (prices.request ?? 0)
  );
}

/** The price of the highest tier that the whole input has passed. */
function priceFor(price: TokenPrice, input: number): number {
  if (typeof price === 'number') return price;
  return price.tiers.findLast(({ start }) => input > start)?.price ?? price.base;
}
