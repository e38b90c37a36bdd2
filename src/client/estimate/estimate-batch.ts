/** What a batch will take, before anything is started: an estimate, without the network. */
import type { BatchSettings, RunLimits } from '../../core/settings.ts';
import type { Message, PromptItem } from '../../core/prompt.ts';
import type { PriceTable } from '../../prices/price-table.ts';
import { MAX_CHOICES, providers } from '../../providers/catalog.ts';
import { costNanoUsd, momentsOfPrices, type PriceKey } from '../../providers/pricing/prices.ts';

export interface Range {
  low: number;
  high: number;
}

export interface BatchEstimate {
  prompts: number;
  completions: number;
  /** Of these, what the output folder has already: no request is made for them. */
  reusedCompletions: number;
  requests: number;
  /** Input of all requests; a prompt is sent once per request. */
  promptTokens: number;
  outputTokens: Range;
  /** `null` as soon as one model's price is unknown. */
  costNanoUsd: Range | null;
  seconds: Range;
}

/** Completions that end by themselves are taken to use at least this share of `max_tokens`. */
export const LOW_OUTPUT_SHARE = 0.25;
/** Assumed pace of a model: time to the first token, then tokens per second. */
export const FIRST_TOKEN_SECONDS = 1;
export const TOKENS_PER_SECOND = 50;
const DAY_MS = 24 * 3_600_000;
/** Costs kept in memory: a few megabytes. */
const REMEMBERED = 10_000;

/** What counts of a prompt. */
export interface MeasuredPrompt {
  samples: number;
  /** Tokens, of one request. */
  input: number;
  /** Tokens of one completion at most. */
  most: number;
  model: string;
}

export interface Estimator {
  measure(item: PromptItem): MeasuredPrompt;
  /** `reused` of its completions are there already. */
  add(prompt: MeasuredPrompt, reused?: number): void;
  result(): BatchEstimate;
}

/** `now` is when the batch would start; prices are looked up over the day that follows. Without a table, in the bundled one. */
export function createEstimator(
  { request, limits }: BatchSettings,
  countTokens: (messages: readonly Message[]) => number,
  now: Date,
  table?: PriceTable,
): Estimator {
  let [prompts, completions, reusedCompletions, requests, promptTokens] = [0, 0, 0, 0, 0];
  const outputTokens: Range = { low: 0, high: 0 };
  const requestSeconds: Range = { low: 0, high: 0 };
  let cost: Range | null = { low: 0, high: 0 };
  const costOf = createCostLookup(now);

  return {
    measure: (item) => {
      const messages = item.messages ?? [{ role: 'user' as const, content: item.prompt ?? '' }];
      const schema = item.extra_body?.['response_format'];
      const format = schema ? [{ role: 'system' as const, content: JSON.stringify(schema) }] : [];
      return {
        samples: item.completions ?? request.completions,
        input: countTokens([...messages, ...format]),
        most: item.max_tokens ?? request.maxTokens,
        model: item.model ?? request.model,
      };
    },
    add: ({ samples: all, input, most, model }, reused = 0) => {
      const samples = all - reused;
      const choices = providers[request.provider].honoursN ? Math.min(Math.max(samples, 1), MAX_CHOICES) : 1;
      const sent = Math.ceil(samples / choices);
      const least = Math.ceil(most * LOW_OUTPUT_SHARE);
      prompts += 1;
      completions += all;
      reusedCompletions += reused;
      requests += sent;
      promptTokens += input * sent;
      outputTokens.low += least * samples;
      outputTokens.high += most * samples;
      requestSeconds.low += sent * (FIRST_TOKEN_SECONDS + least / TOKENS_PER_SECOND);
      requestSeconds.high += sent * (FIRST_TOKEN_SECONDS + most / TOKENS_PER_SECOND);
      const key = {
        provider: request.provider,
        baseUrl: request.baseUrl,
        model,
        override: limits.prices ?? undefined,
        table,
      };
      // All requests ask for as many choices as fit, the last one for what is left.
      const rest = samples % choices;
      for (const [asked, times] of [[choices, Math.floor(samples / choices)] as const, [rest, 1] as const]) {
        if (asked === 0 || times === 0) continue;
        const each = costOf(key, input, least * asked, most * asked);
        cost = cost && each && { low: cost.low + times * each.low, high: cost.high + times * each.high };
      }
    },
    result: () => {
      const secondsOf = (end: keyof Range): number =>
        Math.max(
          requestSeconds[end] / Math.min(limits.maxWorkers, prompts),
          accountSeconds(limits.account, requests, promptTokens + outputTokens[end]),
        );
      return {
        prompts,
        completions,
        reusedCompletions,
        requests,
        promptTokens,
        outputTokens,
        costNanoUsd: cost,
        seconds: { low: secondsOf('low'), high: secondsOf('high') },
      };
    },
  };
}

/** What the account's limits take at least, for this batch alone. */
function accountSeconds(account: RunLimits['account'], requests: number, tokens: number): number {
  const { requestsPerMinute, tokensPerMinute } = account ?? {};
  return 60 * Math.max(requests / (requestsPerMinute ?? Infinity), tokens / (tokensPerMinute ?? Infinity));
}

/** What one request costs, from the cheapest time of the day from `now` on to the dearest; `null` where the price is unknown. */
function createCostLookup(now: Date) {
  const timesByModel = new Map<string, readonly Date[]>();
  const known = new Map<string, Range | null>();

  const timesOf = (key: PriceKey): readonly Date[] =>
    remembered(timesByModel, key.model, () => momentsOfPrices(key, now, DAY_MS));

  return (key: PriceKey, input: number, least: number, most: number): Range | null =>
    remembered(known, `${input} ${least} ${most} ${key.model}`, () => {
      const low = costs(key, input, least, timesOf(key));
      const high = costs(key, input, most, timesOf(key));
      return low && high && { low: Math.min(...low), high: Math.max(...high) };
    });
}

/** Prompts are alike: most of their costs were looked up before. */
function remembered<Value>(known: Map<string, Value>, key: string, look: () => Value): Value {
  const found = known.get(key);
  if (found !== undefined) return found;
  const value = look();
  if (known.size >= REMEMBERED) known.clear();
  known.set(key, value);
  return value;
}

/** At each of the times; `null` where the price is unknown. */
function costs(key: PriceKey, input: number, output: number, times: readonly Date[]): number[] | null {
  const usage = { prompt: input, completion: output, total: input + output, cached: 0, reasoning: 0 };
  const found = times.map((at) => costNanoUsd(usage, key, at));
  return found.every((nano) => nano !== null) ? found : null;
}
