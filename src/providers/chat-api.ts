import type OpenAI from 'openai';
import { Agent } from 'undici';
import { maxAnswerBytes } from './transport/answer-size.ts';
import type { CallOptions, CompletionApi, CompletionRequest, CompletionResponse } from './completion-api.ts';
import { MAX_CHOICES, type Provider } from './catalog.ts';
import { ChatClient } from './transport/chat-client.ts';
import { parseChatResponse } from './chat-response.ts';
import { ProviderFault, shorten, toProviderFault } from './provider-fault.ts';
import { parseProviderMessage, plainTextWithout } from './provider-message.ts';
import { withoutKey } from './redact.ts';
import { watchedFetch } from './transport/watched-fetch.ts';
import { HttpError } from './transport/wire-errors.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/** Any OpenAI-compatible chat API. `apiKey` `null`: requests carry none. */
export function createChatApi(provider: Provider, baseUrl: string, apiKey: string | null): CompletionApi {
  // Timeouts are ours, by the byte; as many connections as there are requests.
  const dispatcher = new Agent({
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  });
  let honoursN = provider.honoursN;
  const label = (text: string, length: number): string => shorten(plainTextWithout(text, apiKey), length);

  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    // Compression could hold back the keep-alive lines.
    'accept-encoding': 'identity',
    'user-agent': 'durabatch',
    ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
  };

  const client = new ChatClient<CallOptions & { maxBytes: number }>(baseUrl, (url, body, options, stop) =>
    watchedFetch(url, { headers, body, signal: options.signal, stop }, { dispatcher, ...options }),
  );
  const send = async (request: CompletionRequest, options: CallOptions): Promise<CompletionResponse> => {
    const body = bodyOf(provider, request) as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming;
    return parseChatResponse(
      await client.ask(body, { ...options, maxBytes: maxAnswerBytes(request) }),
      request,
      apiKey,
      provider.reportedCost,
    );
  };

  return {
    choicesPerRequest: (wanted) => (honoursN ? Math.min(wanted, MAX_CHOICES) : 1),
    async complete(request, options) {
      try {
        const response = await send(request, options);
        // Fewer choices than asked for, or a count that is not of all of them: one at a time from now on.
        if (response.choices.length < request.n || (request.n > 1 && response.doubtfulUsage))
          honoursN = false;
        return {
          ...response,
          choices: response.choices.map((choice) => ({
            ...choice,
            text: withoutKey(choice.text, apiKey),
            finishReason: label(choice.finishReason, 100),
            ...(choice.reasoning === undefined ? {} : { reasoning: withoutKey(choice.reasoning, apiKey) }),
          })),
          model: label(response.model, 200),
          tier: response.tier ? label(response.tier, 100) : null,
          requestId: response.requestId === null ? null : label(response.requestId, 200),
        };
      } catch (error) {
        options.signal.throwIfAborted();
        const fault = toProviderFault(error, new Date(), apiKey);
        if (request.n === 1 || !refusesN(error)) throw fault;
        honoursN = false;
        throw new ProviderFault({
          failure: 'Completion.Fault',
          message: `Asked for ${request.n} choices at once; asking for one at a time from now on. ${fault.message}`,
          status: fault.status,
          requestId: fault.requestId,
          retryAfterMs: 0,
          possiblyPaid: false,
        });
      }
    },
  };
}

function bodyOf(provider: Provider, request: CompletionRequest): Record<string, unknown> {
  const { model, extraBody = {} } = request;
  const effort = extraBody['reasoning_effort'] ?? null;
  const thinking = effort === null ? request.thinking : effort !== 'none';
  return {
    model,
    messages: request.messages,
    ...(provider.takesSampling(thinking, model)
      ? { temperature: request.temperature, top_p: request.topP }
      : {}),
    [provider.maxTokensField]: request.maxTokens,
    ...(request.n > 1 ? { n: request.n } : {}),
    stream: false,
    ...provider.extraBody(thinking, model),
    ...extraBody,
  };
}

/** A provider that refuses `n` instead of ignoring it (Groq does): the prompt is not at fault. */
function refusesN(error: unknown): boolean {
  if (!(error instanceof HttpError) || (error.status !== 400 && error.status !== 422)) return false;
  const { param, message } = parseProviderMessage(error.body, null);
  return param === 'n' || /(['"`]n['"`]|\bn)\s*(:|must be|is not supported|>)/i.test(message);
}
