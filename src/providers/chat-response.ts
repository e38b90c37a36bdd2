import * as z from 'zod';
import type { Usage } from '../core/receipt.ts';
import type { CompletionRequest, CompletionResponse } from './completion-api.ts';
import type { ReportedCost } from './catalog.ts';
import { isPlausible } from './pricing/plausible-usage.ts';
import { shorten } from './provider-fault.ts';
import { isModestJson } from '../core/modest-json.ts';
import { parseProviderMessage } from './provider-message.ts';
import { redact } from './redact.ts';
import type { WireAnswer } from './transport/watched-fetch.ts';
import { NoAnswerError } from './transport/wire-errors.ts';

/** No model counts more than this in one response; what is above, below 0 or no number is nonsense. */
const MAX_TOKENS = 1_000_000_000;
/** Far more than any provider takes as `n`. */
const MAX_CHOICES = 1000;
/** No request costs more than this many US dollars. */
const MAX_USD = 1_000_000;
const tokens = z.number().min(0).max(MAX_TOKENS).transform(Math.round);
const optionalTokens = tokens.nullish().catch(undefined);

const inputDetails = z.looseObject({ cached_tokens: optionalTokens }).nullish().catch(undefined);
const outputDetails = z.looseObject({ reasoning_tokens: optionalTokens }).nullish().catch(undefined);

const usageSchema = z.looseObject({
  prompt_tokens: tokens,
  completion_tokens: tokens,
  total_tokens: optionalTokens,
  prompt_tokens_details: inputDetails,
  completion_tokens_details: outputDetails,
  // DeepSeek
  prompt_cache_hit_tokens: optionalTokens,
});

/** The same counts by the names of newer APIs, which some servers give for both. */
const renamedUsageSchema = z
  .looseObject({
    input_tokens: tokens,
    output_tokens: tokens,
    total_tokens: optionalTokens,
    input_tokens_details: inputDetails,
    output_tokens_details: outputDetails,
  })
  .transform((usage) => ({
    prompt_tokens: usage.input_tokens,
    completion_tokens: usage.output_tokens,
    total_tokens: usage.total_tokens,
    prompt_tokens_details: usage.input_tokens_details,
    completion_tokens_details: usage.output_tokens_details,
    prompt_cache_hit_tokens: undefined,
  }));

/** Some providers (Mistral) give parts instead of a text. */
const content = z.union([
  z.string(),
  z
    .array(z.looseObject({ text: z.string().optional().catch(undefined) }))
    .transform((parts) => parts.map((part) => part.text ?? '').join('')),
]);
const optionalText = z.string().nullish().catch(undefined);

const choiceSchema = z.looseObject({
  message: z.looseObject({
    content: content.nullish(),
    // OpenAI: what a model says that refuses to answer in the form it was asked for. There is no content then.
    refusal: optionalText,
    reasoning_content: optionalText,
    reasoning: optionalText,
  }),
  finish_reason: optionalText,
});

const bodySchema = z.looseObject({
  id: optionalText,
  model: optionalText,
  choices: z.array(z.unknown()),
  usage: z.unknown().optional(),
  service_tier: optionalText,
});

/**
 * Loose: what is not needed may be anything. Choices without a message are dropped, those beyond `n` too.
 * @throws NoAnswerError where nothing usable is left.
 */
export function parseChatResponse(
  response: WireAnswer,
  request: CompletionRequest,
  apiKey: string | null,
  reportedCost?: ReportedCost,
): CompletionResponse {
  const { text } = response;
  if (text.trim() === '') throw new NoAnswerError('The answer has an empty body.', response);
  if (!isModestJson(text)) {
    throw new NoAnswerError(
      'The answer is no chat completion: too many or too deeply nested values.',
      response,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new NoAnswerError(
      `The answer is not JSON; it begins: ${shorten(redact(text.trim(), apiKey), 120)}`,
      response,
    );
  }
  const body = bodySchema.safeParse(json);
  const choices = usableChoices(body.data?.choices ?? [], request.n);
  if (!body.success || choices.length === 0) {
    const said = parseProviderMessage(text, apiKey).message;
    throw new NoAnswerError(`The answer holds no choice with a message: ${shorten(said, 300)}`, response);
  }
  const answers = choices.map(toAnswer);
  const usage = toUsage(body.data.usage);
  const isTrue = usage === null || isPlausible(usage, answers, request);
  return {
    choices: answers,
    usage: isTrue ? usage : null,
    ...(!isTrue && { doubtfulUsage: usage }),
    tier: body.data.service_tier || null,
    billedUsd: reportedCost ? billedUsd(body.data.usage, reportedCost) : null,
    model: body.data.model || request.model,
    requestId: response.headers.get('x-request-id') ?? body.data.id ?? null,
  };
}

type Choice = z.infer<typeof choiceSchema>;

function toAnswer({ message, finish_reason }: Choice): CompletionResponse['choices'][number] {
  const isRefusal = !message.content?.trim() && Boolean(message.refusal?.trim());
  const reasoning = message.reasoning_content ?? message.reasoning ?? '';
  const endsAsAnswer = finish_reason === 'stop' || finish_reason === 'length';
  return {
    text: (isRefusal ? message.refusal : message.content) ?? '',
    ...(reasoning === '' ? {} : { reasoning }),
    finishReason: isRefusal && endsAsAnswer ? 'refusal' : (finish_reason ?? 'unknown'),
  };
}

/** The first `wanted` that have a message; where the beginning has none, the rest is not looked at. */
function usableChoices(raw: unknown[], wanted: number): Choice[] {
  const usable: Choice[] = [];
  for (const choice of raw.slice(0, MAX_CHOICES)) {
    if (usable.length === wanted) break;
    const { data } = choiceSchema.safeParse(choice);
    if (data !== undefined) usable.push(data);
  }
  return usable;
}

/**
 * `null` unless both counts are there and make sense; parts never exceed their whole. Tokens that only the total
 * has are output: reasoning, which some (xAI, Gemini through compatible addresses) count beside the completion. So is
 * reasoning that is more than the completion, where there is no total.
 */
export function toUsage(raw: unknown): Usage | null {
  const data = usageSchema.safeParse(raw).data ?? renamedUsageSchema.safeParse(raw).data;
  if (data === undefined) return null;
  const prompt = data.prompt_tokens;
  const named = data.completion_tokens_details?.reasoning_tokens ?? 0;
  const withoutTotal = named > data.completion_tokens ? named : 0;
  const beside =
    data.total_tokens == null
      ? withoutTotal
      : Math.max(0, data.total_tokens - prompt - data.completion_tokens);
  const completion = data.completion_tokens + beside;
  // What is named is what stands beside, or at least in it; else it is within the completion.
  const isBeside = named === beside || named > data.completion_tokens;
  const reasoning = isBeside ? Math.max(named, beside) : named + beside;
  const cached = data.prompt_tokens_details?.cached_tokens ?? data.prompt_cache_hit_tokens ?? 0;
  return {
    prompt,
    completion,
    total: prompt + completion,
    cached: Math.min(cached, prompt),
    reasoning: Math.min(reasoning, completion),
  };
}

/** `null` where the provider's figure, or a part of it, is missing or no amount of money. */
export function billedUsd(usage: unknown, { amount, upstream }: ReportedCost): number | null {
  const charged = amountAt(usage, amount);
  if (charged === null || upstream === undefined) return charged;
  const isOwnKey = valueAt(usage, upstream.isOwnKey);
  if (isOwnKey === false) return charged;
  const paidUpstream = amountAt(usage, upstream.amount) ?? 0;
  // With a key of the user's own, what is charged is a fee beside what the upstream provider bills.
  return isOwnKey === true && paidUpstream === 0 ? null : charged + paidUpstream;
}

const valueAt = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((at, key) => (at as Record<string, unknown> | null | undefined)?.[key], value);

function amountAt(value: unknown, path: readonly string[]): number | null {
  const found = valueAt(value, path);
  return typeof found === 'number' && found >= 0 && found <= MAX_USD ? found : null;
}
