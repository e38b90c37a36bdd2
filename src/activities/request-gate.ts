/** What each request passes before it is sent: whoever limits requests across prompts waits here, or hands the prompt back. */
import type { CompletionResponse } from '../providers/completion-api.ts';
import type { ProviderFault } from '../providers/provider-fault.ts';

/** What is known of a request before it is sent. */
export interface RequestForecast {
  /** Tokens it may come to at most, input and output. */
  mostTokens: number;
  /** Whose it is: a prompt that is sent away may keep its turn. */
  promptId?: string;
}

/** How a request ended. */
export interface RequestResult {
  /** `refused`: by a rate limit or an overload; `failed`: in any other way; `unsent`: it was not needed any more. */
  how: 'answered' | 'refused' | 'failed' | 'unsent';
  latencyMs: number;
  /** As the provider counted them; `null` where it did not. */
  tokens: number | null;
  /** When a provider that refused wants to be asked again, in ms from now; `null` where it did not say. */
  retryAfterMs: number | null;
}

/** The right to send one request. */
export interface Passage {
  /** However the request ends. The first word counts. */
  leave(result: RequestResult): void;
}

export interface RequestGate {
  /**
   * Resolves when the request may be sent. A wait that would be long is no wait: it throws a failure that
   * Temporal retries later (`retryIn`), and the prompt keeps its slot. Throws the signal's reason once that is aborted.
   */
  enter(request: RequestForecast, signal: AbortSignal): Promise<Passage>;
}

/** Lets everything pass. */
export const openGate: RequestGate = { enter: async () => ({ leave: () => {} }) };

export const unsent: RequestResult = { how: 'unsent', latencyMs: 0, tokens: 0, retryAfterMs: null };

export const answered = ({ usage }: CompletionResponse, latencyMs: number): RequestResult => ({
  how: 'answered',
  latencyMs,
  tokens: usage && usage.total,
  retryAfterMs: null,
});

export const unanswered = (
  { failure, retryAfterMs }: Pick<ProviderFault, 'failure' | 'retryAfterMs'>,
  latencyMs: number,
): RequestResult => ({
  how: failure === 'Completion.Unavailable' ? 'refused' : 'failed',
  latencyMs,
  tokens: null,
  retryAfterMs,
});
