import type { PromptItem } from '../core/prompt.ts';
import type { RequestSettings } from '../core/settings.ts';
import type { CompletionRequest } from '../providers/completion-api.ts';
import { mostPromptTokens } from '../providers/pricing/prompt-tokens.ts';
import type { RequestPrices } from '../providers/pricing/request-prices.ts';

/** The request for some samples of a prompt: its own sampling first, then the batch's. */
export function toRequest(item: PromptItem, settings: RequestSettings, samples: number[]): CompletionRequest {
  return {
    model: item.model ?? settings.model,
    messages: item.messages ?? [{ role: 'user', content: item.prompt ?? '' }],
    temperature: item.temperature ?? settings.temperature,
    topP: item.top_p ?? settings.topP,
    maxTokens: item.max_tokens ?? settings.maxTokens,
    n: samples.length,
    thinking: settings.thinking,
    ...(item.extra_body === undefined ? {} : { extraBody: item.extra_body }),
    promptId: item.prompt_id,
    samples,
  };
}

/**
 * What `missing` completions of a prompt can cost at most in one go, in integer nano-USD: as if each
 * were a request of its own, which is never cheaper than several in one. `null`: the price is unknown.
 */
export function worstCostOf(
  item: PromptItem,
  settings: RequestSettings,
  missing: number,
  prices: RequestPrices,
  { at, withinMs }: { at: Date; withinMs?: number },
): number | null {
  const each = prices.worstCost(toRequest(item, settings, [1]), at, withinMs);
  return each === null ? null : each * missing;
}

/** Tokens a request can come to, input and output, bounded from above. */
export const mostTokensOf = ({ messages, maxTokens, n }: CompletionRequest): number =>
  mostPromptTokens(messages) + maxTokens * n;
