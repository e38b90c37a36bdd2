/** The price table as data: what it holds, and the check of one that comes from a file or the network. */
import * as z from 'zod';

/** In US dollars per million tokens; `null`: none is known. Past the start of a tier, all tokens of the request cost that tier's price. */
export type TokenPrice = number | { base: number; tiers: { start: number; price: number }[] };

/** What tokens of one kind cost. A part that is left out costs what its whole costs. */
export interface TokenPrices {
  input?: TokenPrice;
  output?: TokenPrice;
  /** Input read from the provider's cache. */
  cached?: TokenPrice;
  /** Input written to it. */
  cacheWrite?: TokenPrice;
  /** Output that is reasoning. */
  reasoning?: TokenPrice;
  /** US dollars for each request, beside its tokens. */
  request?: number;
}

/** When a price holds: what is left out does not restrict it. */
export interface PriceTimes {
  /** First moment, ISO 8601, UTC. */
  from?: string;
  /** From the first to before the second, as `HH:MM` in UTC; the second is the earlier one where they span midnight. */
  hours?: [string, string];
  /** Name of a calendar: the hours are those of its working days only. */
  workdaysOf?: string;
}

/** Of several the last one that holds at a moment counts; if none does, the first. */
export type TimedPrices = TokenPrices & PriceTimes;

/** Replaces what it names where the provider served the request in this tier. */
export type TierPrices = TimedPrices & { tier: string };

/** How a model's name is known, as in genai-prices. */
export type ModelMatch =
  | { equals: string }
  | { starts_with: string }
  | { ends_with: string }
  | { contains: string }
  | { regex: string }
  | { or: ModelMatch[] }
  | { and: ModelMatch[] };

export interface PricedModel {
  match: ModelMatch;
  /** Empty: it is no chat model, or has no price for tokens. */
  prices: TimedPrices[];
  tiers?: TierPrices[];
}

export interface PricedProvider {
  id: string;
  /** Regular expression that the beginning of its API's address matches. */
  address: string;
  models: PricedModel[];
  /** Providers whose models it offers at their prices. */
  fallbacks?: string[];
}

/** Working days are Monday to Friday, except the holidays. A year without a list has no holidays that are known. */
export interface WorkCalendar {
  source: string;
  utcOffsetMinutes: number;
  /** By year, as `MM-DD`. */
  holidays: Record<string, string[]>;
}

export interface PriceTable {
  format: 1;
  /** The day, as `YYYY-MM-DD`, on which its figures were the newest there were. */
  date: string;
  /** Where they are from. */
  source: string;
  calendars: Record<string, WorkCalendar>;
  providers: PricedProvider[];
}

const price = z.number().min(0).max(1_000_000);
const tokenPrice = z.union([
  price,
  z.strictObject({
    base: price,
    tiers: z.array(z.strictObject({ start: z.number().min(0), price })),
  }),
]);
const timed = {
  input: tokenPrice.optional(),
  output: tokenPrice.optional(),
  cached: tokenPrice.optional(),
  cacheWrite: tokenPrice.optional(),
  reasoning: tokenPrice.optional(),
  request: price.optional(),
  from: z.iso.datetime().optional(),
  hours: z.tuple([clockTime(), clockTime()]).optional(),
  workdaysOf: z.string().optional(),
};

function clockTime(): z.ZodString {
  return z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);
}

const MAX_EXPRESSION_LENGTH = 500;
/** An open-ended repetition multiplies the time of a match by the length of the name, a choice by two. */
const REPEAT_WEIGHT = 4;
const MAX_WEIGHT = 10;

/**
 * Whether an expression is of the forms that genai-prices has: no group is repeated, nothing refers back, and there are few
 * repetitions and choices. Others can take for ever to match a name.
 */
function isBounded(text: string): boolean {
  if (text.length > MAX_EXPRESSION_LENGTH) return false;
  const bare = text.replace(/\\[^\dk]/g, 'x').replace(/\[[^\]]*\]/g, 'x');
  if (/\)[*+{]|\\/.test(bare)) return false;
  const repeats = bare.match(/[*+]|\{\d*,/g)?.length ?? 0;
  const choices = bare.match(/\||[^(]\?/g)?.length ?? 0;
  return REPEAT_WEIGHT * repeats + choices <= MAX_WEIGHT;
}

const isExpression = (text: string): boolean => {
  if (!isBounded(text)) return false;
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
};
export const expression = z
  .string()
  .refine(isExpression, { message: 'is not a regular expression of a known form' });

/** Checked by hand: a table has thousands of them, and a union of seven objects takes a second for that. */
export const modelMatchSchema = z.custom<ModelMatch>(isModelMatch, {
  message: 'is not a rule for model names',
});

function isModelMatch(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const [entry, ...more] = Object.entries(value);
  if (entry === undefined || more.length > 0) return false;
  const [kind, operand] = entry as [string, unknown];
  if (kind === 'or' || kind === 'and') return Array.isArray(operand) && operand.every(isModelMatch);
  if (typeof operand !== 'string') return false;
  return kind === 'regex'
    ? isExpression(operand)
    : ['equals', 'starts_with', 'ends_with', 'contains'].includes(kind);
}

const day = z.iso.date();

/** Strict: a table with anything unknown in it could charge a wrong price. */
export const priceTableSchema = z.strictObject({
  format: z.literal(1),
  date: day,
  source: z.string(),
  calendars: z.record(
    z.string(),
    z.strictObject({
      source: z.string(),
      utcOffsetMinutes: z.number().min(-840).max(840),
      holidays: z.record(z.string().regex(/^\d{4}$/), z.array(z.string().regex(/^\d\d-\d\d$/))),
    }),
  ),
  providers: z.array(
    z.strictObject({
      id: z.string(),
      address: expression,
      models: z.array(
        z.strictObject({
          match: modelMatchSchema,
          prices: z.array(z.strictObject(timed)),
          tiers: z.array(z.strictObject({ tier: z.string(), ...timed })).optional(),
        }),
      ),
      fallbacks: z.array(z.string()).optional(),
    }),
  ),
}) as unknown as z.ZodType<PriceTable>;

/** Models that have a price. */
export const countPriced = ({ providers }: PriceTable): number =>
  providers.reduce((sum, { models }) => sum + models.filter(({ prices }) => prices.length > 0).length, 0);

/** Days from the table's date to a moment. */
export const ageInDays = ({ date }: Pick<PriceTable, 'date'>, at: Date): number =>
  Math.floor((at.getTime() - Date.parse(date)) / 86_400_000);

/** Past this age a reader of the costs is warned. */
export const MAX_AGE_DAYS = 60;
