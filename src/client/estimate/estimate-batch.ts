/** What a batch will take, before anything is started: an estimate, without the network. */
import type { BatchSettings, Message, PromptItem } from '../../contract.ts';
import { MAX_CHOICES, providers } from '../../providers/catalog.ts';
import { costNanoUsd, type PriceKey } from '../../providers/prices.ts';

export interface Range {
  low: number;
  high: number;
}

export interface BatchEstimate {
  prompts: number;
  completions: number;
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
const HOUR_MS = 3_600_000;

export interface Estimator {
  add(item: PromptItem): void;
  result(): BatchEstimate;
}

/** `now` is when the batch would start; prices are looked up over the day that follows. */
export function createEstimator(
  { request, limits }: BatchSettings,
  countTokens: (messages: readonly Message[]) => number,
  now: Date,
): Estimator {
  const hours = Array.from({ length: 24 }, (_, hour) => new Date(now.getTime() + hour * HOUR_MS));
  let [prompts, completions, requests, promptTokens] = [0, 0, 0, 0];
  const outputTokens: Range = { low: 0, high: 0 };
  const requestSeconds: Range = { low: 0, high: 0 };
  let cost: Range | null = { low: 0, high: 0 };

  return {
    add: (item) => {
      const samples = item.completions ?? request.completions;
      const choices = providers[request.provider].honoursN ? Math.min(samples, MAX_CHOICES) : 1;
      const sent = Math.ceil(samples / choices);
      const messages = item.messages ?? [{ role: 'user' as const, content: item.prompt ?? '' }];
      const input = countTokens(messages);
      const most = item.max_tokens ?? request.maxTokens;
      const least = Math.ceil(most * LOW_OUTPUT_SHARE);
      prompts += 1;
      completions += samples;
      requests += sent;
      promptTokens += input * sent;
      outputTokens.low += least * samples;
      outputTokens.high += most * samples;
      requestSeconds.low += sent * (FIRST_TOKEN_SECONDS + least / TOKENS_PER_SECOND);
      requestSeconds.high += sent * (FIRST_TOKEN_SECONDS + most / TOKENS_PER_SECOND);
      const key = {
        provider: request.provider,
        baseUrl: request.baseUrl,
        model: item.model ?? request.model,
        override: limits.prices ?? undefined,
      };
      // All requests ask for as many choices as fit, the last one for what is left.
      const rest = samples % choices;
      for (const [asked, times] of [[choices, Math.floor(samples / choices)] as const, [rest, 1] as const]) {
        if (asked === 0 || times === 0) continue;
        const low = costs(key, input, least * asked, hours);
        const high = costs(key, input, most * asked, hours);
        cost = cost &&
          low &&
          high && { low: cost.low + times * Math.min(...low), high: cost.high + times * Math.max(...high) };
      }
    },
    result: () => ({
      prompts,
      completions,
      requests,
      promptTokens,
      outputTokens,
      costNanoUsd: cost,
      seconds: {
        low: requestSeconds.low / Math.min(limits.maxWorkers, prompts),
        high: requestSeconds.high / Math.min(limits.maxWorkers, prompts),
      },
    }),
  };
}

/** At each of the times; `null` where the price is unknown. */
function costs(key: PriceKey, input: number, output: number, times: readonly Date[]): number[] | null {
  const usage = { prompt: input, completion: output, total: input + output, cached: 0, reasoning: 0 };
  const found = times.map((at) => costNanoUsd(usage, key, at));
  return found.every((nano) => nano !== null) ? found : null;
}
