/**
 * Limits of requests and tokens for the fake provider, enforced with 429 as providers do.
 *
 *   const limit = createRateLimit({ requests: 60, windowMs: 2000 });
 *   const provider = await startFakeProvider({ script: limit.script });
 *   assert.equal(limit.refused, 0);
 */
import { type FakeRequest, type FakeScript, reply } from './fake-provider.ts';

export interface RateLimitOptions {
  /** In each window. Default: no limit. */
  requests?: number;
  /** Output and input together, as answered. Default: no limit. */
  tokens?: number;
  windowMs: number;
  /** `sliding`: over any time of this length; `fixed`: afresh with each window. Default: `sliding`. */
  kind?: 'sliding' | 'fixed';
  /** What an answer to it will bill. Default: 0. */
  tokensOf?: (request: FakeRequest) => number;
  /** Default: it says when to come back. */
  retryAfter?: boolean;
  /** What an accepted request is answered. Default: an ordinary answer. */
  script?: FakeScript;
}

export interface RateLimit {
  script: FakeScript;
  /** When each request that was let through came, in ms since 1970. */
  readonly accepted: readonly number[];
  /** As `accepted`. */
  readonly refused: readonly number[];
}

export function createRateLimit({
  requests = Number.POSITIVE_INFINITY,
  tokens = Number.POSITIVE_INFINITY,
  windowMs,
  kind = 'sliding',
  tokensOf = () => 0,
  retryAfter = true,
  script,
}: RateLimitOptions): RateLimit {
  const accepted: number[] = [];
  const refused: number[] = [];
  let counted: { at: number; tokens: number }[] = [];
  return {
    accepted,
    refused,
    script: async (request) => {
      const now = Date.now();
      const begin = kind === 'sliding' ? now - windowMs : Math.floor(now / windowMs) * windowMs;
      counted = counted.filter(({ at }) => at > begin || (kind === 'fixed' && at === begin));
      const asked = tokensOf(request);
      const used = counted.reduce((sum, each) => sum + each.tokens, 0);
      if (counted.length + 1 > requests || used + asked > tokens) {
        refused.push(now);
        const end = kind === 'sliding' ? counted[0]!.at + windowMs : begin + windowMs;
        const headers = retryAfter ? { 'retry-after-ms': String(Math.max(1, end - now)) } : {};
        return reply.status(429, { headers, message: 'Rate limit reached' });
      }
      counted.push({ at: now, tokens: asked });
      accepted.push(now);
      return script?.(request);
    },
  };
}
