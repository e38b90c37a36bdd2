/** What requests cost: by the bundled price table, or by the user's own prices. No network. */
import {
  calcPrice,
  findProvider,
  type ModelPrice,
  type Provider as PricedProvider,
} from '@pydantic/genai-prices';
import type { Message, Price, PriceOverride, ProviderName, Usage } from '../contract.ts';
import { mostPromptTokens } from './prompt-tokens.ts';

/** Whose price: what decides besides time and tokens. */
export interface PriceKey {
  provider: ProviderName;
  baseUrl: string;
  model: string;
  override?: PriceOverride | undefined;
}

const NANO_USD = 1_000_000_000;
/** A price per million tokens, in nano-USD a token. */
const NANO_PER_TOKEN = NANO_USD / 1_000_000;

/**
 * Who bills. An address the table knows decides (`openai-compatible` at OpenRouter is OpenRouter). At any
 * other address, `deepseek` and `openai` are taken at the user's word: a gateway to them. An
 * `openai-compatible` server nobody knows has no price, whatever its models are called.
 */
function billerOf({ provider, baseUrl }: PriceKey): PricedProvider | undefined {
  const byAddress = billerAt(baseUrl);
  if (byAddress !== undefined) return byAddress;
  return provider === 'deepseek' || provider === 'openai'
    ? findProvider({ providerId: provider })
    : undefined;
}

const billers = new Map<string, PricedProvider | undefined>();

/** Looked up once an address: the table has dozens of patterns to try. */
function billerAt(baseUrl: string): PricedProvider | undefined {
  if (!billers.has(baseUrl)) billers.set(baseUrl, findBillerAt(baseUrl));
  return billers.get(baseUrl);
}

function findBillerAt(baseUrl: string): PricedProvider | undefined {
  if (!URL.canParse(baseUrl)) return undefined;
  const { origin, pathname } = new URL(baseUrl);
  const address = origin + pathname;
  const found = findProvider({ providerApiUrl: address });
  // The table's patterns have open ends: https://api.openai.com.example.org must not be OpenAI.
  const matched = found && new RegExp(`^(?:${found.api_pattern})`).exec(address)?.[0];
  return matched !== undefined && matched.length >= origin.length ? found : undefined;
}

/** The table's answer, unless it lists the model without a price for its tokens. */
function tableCost(usage: Record<string, number>, key: PriceKey, at: Date) {
  const biller = billerOf(key);
  const cost = biller && calcPrice(usage, key.model, { provider: biller, timestamp: at });
  if (
    !cost ||
    cost.model_price['input_mtok'] === undefined ||
    cost.model_price['output_mtok'] === undefined
  ) {
    return null;
  }
  return cost;
}

/** `null`: unknown, never 0. The simulated provider really costs nothing. */
export function priceOf(key: PriceKey, at: Date): Price | null {
  if (key.override !== undefined) {
    const { inputPerMillion, outputPerMillion, cachedPerMillion = inputPerMillion } = key.override;
    return { inputPerMillion, cachedPerMillion, outputPerMillion, source: 'user' };
  }
  if (key.provider === 'simulated') {
    return { inputPerMillion: 0, cachedPerMillion: 0, outputPerMillion: 0, source: 'simulated' };
  }
  const price = tableCost({ input_tokens: 0, output_tokens: 0 }, key, at)?.model_price;
  if (price === undefined) return null;
  const inputPerMillion = base(price['input_mtok']);
  return {
    inputPerMillion,
    cachedPerMillion:
      price['cache_read_mtok'] === undefined ? inputPerMillion : base(price['cache_read_mtok']),
    outputPerMillion: base(price['output_mtok']),
    source: 'table',
  };
}

const base = (price: ModelPrice[string]): number => (typeof price === 'object' ? price.base : (price ?? 0));

/**
 * Integer nano-USD of one response, at the price of its time; `null` where price or usage is unknown.
 * DeepSeek's weekends have no peak hours; the table does not know that, so the cost there is an upper bound.
 */
export function costNanoUsd(usage: Usage | null, key: PriceKey, at: Date): number | null {
  if (usage === null) return null;
  const cached = Math.min(usage.cached, usage.prompt);
  const price = key.override !== undefined || key.provider === 'simulated' ? priceOf(key, at) : null;
  if (price !== null) {
    return Math.round(
      NANO_PER_TOKEN *
        ((usage.prompt - cached) * price.inputPerMillion +
          cached * price.cachedPerMillion +
          usage.completion * price.outputPerMillion),
    );
  }
  const cost = tableCost(
    { input_tokens: usage.prompt, cache_read_tokens: cached, output_tokens: usage.completion },
    key,
    at,
  );
  return cost === null ? null : Math.round(cost.total_price * NANO_USD);
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
 * as allowed, at the dearest time of this day and the next. `null`: price unknown.
 */
export function worstCostNanoUsd(request: WorstCaseRequest, key: PriceKey, at: Date): number | null {
  const further = request.extraBody ? Buffer.byteLength(JSON.stringify(request.extraBody)) : 0;
  const input = mostPromptTokens(request.messages) + further;
  const output = request.maxTokens * request.n;
  if (key.override !== undefined || key.provider === 'simulated') {
    const price = priceOf(key, at);
    if (price === null) return null;
    const perInput = Math.max(price.inputPerMillion, price.cachedPerMillion);
    return Math.ceil(NANO_PER_TOKEN * (input * perInput + output * price.outputPerMillion));
  }
  let worst: number | null = null;
  for (const time of timesThisDayAndNext(key, at)) {
    const cost = tableCost({ input_tokens: input, output_tokens: output }, key, time);
    if (cost === null) return null;
    const written =
      cost.model_price['cache_write_mtok'] === undefined
        ? null
        : tableCost({ input_tokens: input, cache_write_tokens: input, output_tokens: output }, key, time);
    worst = Math.max(worst ?? 0, cost.total_price, written?.total_price ?? 0);
  }
  return worst === null ? null : Math.ceil(worst * NANO_USD);
}

const DAY_MS = 86_400_000;
const QUARTER_HOUR_MS = 900_000;
const timesByModel = new Map<string, Date[]>();

/** A time for each price the model has in the course of the day and the next: looked up once a day. */
function timesThisDayAndNext(key: PriceKey, at: Date): Date[] {
  const day = Math.floor(at.getTime() / DAY_MS) * DAY_MS;
  const id = JSON.stringify([key.provider, key.baseUrl, key.model, day]);
  const known = timesByModel.get(id);
  if (known !== undefined) return known;
  const quarters = Array.from(
    { length: (2 * DAY_MS) / QUARTER_HOUR_MS },
    (_, quarter) => new Date(day + quarter * QUARTER_HOUR_MS),
  );
  const found = timesOfOtherPrices(key, quarters);
  timesByModel.set(id, found);
  return found;
}

/** Of these times one for each price that the model has at them; the first one where it has none. */
export function timesOfOtherPrices(key: PriceKey, times: readonly Date[]): Date[] {
  if (key.override !== undefined || key.provider === 'simulated') return times.slice(0, 1);
  const found = new Map<ModelPrice | undefined, Date>();
  for (const time of times) {
    const price = tableCost({}, key, time)?.model_price;
    if (price === undefined) return times.slice(0, 1);
    if (!found.has(price)) found.set(price, time);
  }
  return [...found.values()];
}
