import type { Message } from '../core/prompt.ts';
import type { RequestSettings, RunLimits } from '../core/settings.ts';
import type { Usage } from '../core/receipt.ts';
import { providerFor } from './catalog.ts';
import { createChatApi } from './chat-api.ts';
import { whyNotSent } from './transport/key-transport.ts';
import { ProviderFault } from './provider-fault.ts';
import { createSimulatedApi } from './simulated.ts';

export interface CompletionRequest {
  model: string;
  messages: Message[];
  temperature: number;
  topP: number;
  maxTokens: number;
  /** Choices to ask for: what `choicesPerRequest` answered. */
  n: number;
  thinking: boolean;
  /** The prompt's own further parameters: they win over those that follow from `thinking`. */
  extraBody?: Record<string, unknown>;
  /** With `samples`, what the simulated provider's answers depend on. */
  promptId: string;
  samples: number[];
}

export interface CompletionResponse {
  /** One or more, at most `n`. An unknown finish reason is passed on; one that is missing reads `unknown`. */
  choices: { text: string; reasoning?: string; finishReason: string }[];
  /** Of the whole response; `null` where the provider did not say, or said nonsense. */
  usage: Usage | null;
  /** Counts that cannot be true of these choices; `usage` is then `null`. */
  doubtfulUsage?: Usage;
  /** The service tier that served it; `null` or left out: the provider named none. */
  tier?: string | null;
  /** What it cost in US dollars by the provider's own figure; `null` or left out: it gave none. */
  billedUsd?: number | null;
  model: string;
  requestId: string | null;
}

export interface CallOptions {
  signal: AbortSignal;
  requestTimeoutMs: number;
  idleTimeoutMs: number;
  /** Called whenever bytes arrive, blank keep-alive lines included. */
  onByte?: () => void;
}

export interface CompletionApi {
  /** How many of the `wanted` samples the next request asks for. */
  choicesPerRequest(wanted: number): number;
  /** @throws ProviderFault, or the signal's reason once it is aborted. */
  complete(request: CompletionRequest, options: CallOptions): Promise<CompletionResponse>;
}

/** The settings that an API is made from; the others come with each request. */
export type ApiSettings = Pick<RequestSettings, 'provider' | 'baseUrl'>;

/** The limits that an API is made from. */
export type ApiLimits = Pick<RunLimits, 'apiKeyEnv' | 'simulateLatencyMs' | 'simulateErrors'>;

/**
 * Make one per batch and process: it keeps connections open, and remembers whether `n` is honoured.
 * @throws ProviderFault (`AccountBlocked`) without an API key where one is needed, and where the key would go to another machine
 * without TLS, unless `plainHttpHosts` names it.
 */
export function createCompletionApi(
  settings: ApiSettings,
  limits: ApiLimits,
  apiKey: string | undefined,
  plainHttpHosts: readonly string[] = [],
): CompletionApi {
  const provider = providerFor(settings);
  if (provider.name === 'simulated') return createSimulatedApi(limits);
  const key = apiKey?.trim() ?? '';
  if (key === '' && provider.needsApiKey) {
    throw accountBlocked(
      `No API key for ${provider.name}: set ${limits.apiKeyEnv}, or use --provider simulated.`,
    );
  }
  if (!/^[\x21-\x7e]*$/.test(key)) {
    throw accountBlocked(
      `The API key in ${limits.apiKeyEnv} has spaces or characters that no key has: set it again.`,
    );
  }
  const { baseUrl } = settings;
  const reason = whyNotSent({ baseUrl, apiKey: key, variable: limits.apiKeyEnv, plainHttpHosts });
  if (reason !== null) throw accountBlocked(`Nothing was sent: ${reason}.`);
  return createChatApi(provider, baseUrl, key === '' ? null : key);
}

/** A fault that pauses the batch: nothing can be sent with what this process has. */
export const accountBlocked = (message: string): ProviderFault =>
  new ProviderFault({ failure: 'Completion.AccountBlocked', message, possiblyPaid: false });
