/** Price tables from what the genai-prices project publishes: of all that it holds, what a text chat completion needs. */
import * as z from 'zod';
import {
  expression,
  modelMatchSchema,
  type PricedModel,
  type PricedProvider,
  type PriceTimes,
  type TimedPrices,
  type TokenPrice,
  type TokenPrices,
} from './price-table.ts';

const number = z.number().min(0);
const price = z.union([
  number,
  z.looseObject({ base: number, tiers: z.array(z.looseObject({ start: number, price: number })) }),
]);
/** Of the kinds of units, the ones below are read; the others are of no text. */
const pricesSchema = z.record(z.string(), price.nullable());
const constraintSchema = z
  .union([
    z.strictObject({ type: z.literal('start_date').optional(), start_date: z.iso.date() }),
    z.strictObject({
      type: z.literal('time_of_date').optional(),
      start_time: z.string().regex(/^\d\d:\d\d:00(\.0+)?Z$/),
      end_time: z.string().regex(/^\d\d:\d\d:00(\.0+)?Z$/),
    }),
  ])
  .nullish();
const timedSchema = z.looseObject({ constraint: constraintSchema, prices: pricesSchema });

const providerSchema = z.looseObject({
  id: z.string(),
  api_pattern: expression,
  fallback_model_providers: z.array(z.string()).nullish(),
  models: z.array(
    z.looseObject({
      match: modelMatchSchema,
      prices: z.union([z.array(timedSchema), pricesSchema]),
      price_variants: z.array(timedSchema.extend({ when: z.record(z.string(), z.string()) })).nullish(),
    }),
  ),
});
type RawProvider = z.output<typeof providerSchema>;
type RawModel = RawProvider['models'][number];

/** @throws ZodError where the format is another one: a restriction that is not understood must not be ignored. */
export const fromGenaiPrices = (raw: unknown): PricedProvider[] =>
  z
    .array(z.unknown())
    .parse(raw)
    .flatMap((provider) => fromGenaiProvider(provider) ?? []);

/** `null`: none of its models has a price for tokens. @throws ZodError as above. */
export function fromGenaiProvider(raw: unknown): PricedProvider | null {
  const provider = toProvider(providerSchema.parse(raw));
  const { models, fallbacks = [] } = provider;
  return fallbacks.length > 0 || models.some(isPriced) ? provider : null;
}

const toProvider = ({ id, api_pattern, fallback_model_providers, models }: RawProvider): PricedProvider => ({
  id,
  address: api_pattern,
  ...(fallback_model_providers?.length ? { fallbacks: fallback_model_providers } : {}),
  models: models.map(toModel),
});

const isPriced = ({ prices }: PricedModel): boolean => prices.length > 0;

/** A model without a price for tokens is kept without any: its name must not be taken for another one's. */
function toModel({ match, prices, price_variants: variants }: RawModel): PricedModel {
  const timed = isTimed(prices) ? prices : [{ prices, constraint: null }];
  const usual = timed.map(toTimed);
  const tiers = (variants ?? []).flatMap((variant) => {
    const tier = tierOf(variant.when);
    const figures = toTimed(variant);
    return tier === null || !hasTokenPrice(figures) ? [] : [{ tier, ...figures }];
  });
  if (!usual.some((each) => each.input !== undefined && each.output !== undefined))
    return { match, prices: [] };
  return { match, prices: usual, ...(tiers.length > 0 ? { tiers } : {}) };
}

const isTimed = (prices: RawModel['prices']): prices is z.output<typeof timedSchema>[] =>
  Array.isArray(prices);

/** The name by which an answer tells its tier; `null`: it is decided by what answers do not tell. */
function tierOf(when: Record<string, string>): string | null {
  const [first, ...more] = Object.entries(when);
  if (first === undefined || more.length > 0) return null;
  const [key, value] = first;
  return key === 'service_tier' || key === 'processing' ? value : null;
}

const hasTokenPrice = ({ input, output, cached }: TokenPrices): boolean =>
  [input, output, cached].some((each) => each !== undefined);

function toTimed({ prices, constraint }: z.output<typeof timedSchema>): TimedPrices {
  const of = (key: string): TokenPrice | undefined => {
    const found = prices[key] ?? undefined;
    if (typeof found !== 'object') return found;
    const tiers = found.tiers.map(({ start, price: figure }) => ({ start, price: figure }));
    return { base: found.base, tiers: tiers.sort((a, b) => a.start - b.start) };
  };
  const perThousandRequests = prices['requests_kcount'];
  return withoutUndefined({
    ...toTimes(constraint),
    input: of('input_mtok'),
    output: of('output_mtok'),
    cached: of('cache_read_mtok'),
    cacheWrite: of('cache_write_mtok'),
    reasoning: of('output_reasoning_mtok'),
    request: typeof perThousandRequests === 'number' ? perThousandRequests / 1000 : undefined,
  });
}

function toTimes(constraint: z.output<typeof constraintSchema>): PriceTimes {
  if (!constraint) return {};
  if ('start_date' in constraint) return { from: `${constraint.start_date}T00:00:00Z` };
  return { hours: [constraint.start_time.slice(0, 5), constraint.end_time.slice(0, 5)] };
}

function withoutUndefined(prices: { [Key in keyof TimedPrices]: TimedPrices[Key] | undefined }): TimedPrices {
  const known = Object.entries(prices).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known);
}
