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
  /** Failed in a way that too much load may be the cause of: a timeout, a reset, a 500. */
  strained?: boolean;
  /** Of a refused request. */
  refusal?: { status: number | null; message: string; pauses: boolean };
}

/** The right to send one request. */
export interface Passage {
  /** However the request ends. The first word counts. */
  leave(result: RequestResult): void;
  /**
   * Since when, as far as the gate can tell, the provider has let nobody through; ms since 1970. A prompt that
   * others went ahead of has no record of that wait itself.
   */
  readonly unavailableSince?: number | null;
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

/** Passes the gates one after another, and leaves those behind it where one does not let it pass. */
export const throughGates = (...gates: readonly RequestGate[]): RequestGate => ({
  enter: async (request, signal) => {
    const passages: Passage[] = [];
    const leave = (result: RequestResult): void => passages.forEach((passage) => passage.leave(result));
    try {
      for (const gate of gates) passages.push(await gate.enter(request, signal));
    } catch (error) {
      leave(unsent);
      throw error;
    }
    return {
      leave,
      get unavailableSince() {
        const times = passages.flatMap(({ unavailableSince }) => unavailableSince ?? []);
        return times.length === 0 ? null : Math.min(...times);
      },
    };
  },
});

export const unsent: RequestResult = { how: 'unsent', latencyMs: 0, tokens: 0, retryAfterMs: null };

export const answered = ({ usage }: CompletionResponse, latencyMs: number): RequestResult => ({
  how: 'answered',
  latencyMs,
  tokens: usage && usage.total,
  retryAfterMs: null,
});

export const unanswered = (
  { failure, status, message, retryAfterMs }: RefusalFacts,
  latencyMs: number,
  pauses = false,
): RequestResult => ({
  ...{ latencyMs, tokens: null, retryAfterMs },
  ...(failure === 'Completion.Unavailable'
    ? { how: 'refused', refusal: { status, message, pauses } }
    : { how: 'failed', strained: failure === 'Completion.Fault' }),
});

type RefusalFacts = Pick<ProviderFault, 'failure' | 'status' | 'message' | 'retryAfterMs'>;
