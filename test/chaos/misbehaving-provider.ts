import { type FakeProvider, type FakeReply, reply, startFakeProvider } from '../support/fake-provider.ts';
import { createRandom } from './random.ts';

export interface Bill {
  promptTokens: number;
  completionTokens: number;
}

export interface MisbehavingProvider extends FakeProvider {
  /** What an answer to a request bills, by the request's number; only requests that get an answer have one. */
  readonly bills: ReadonlyMap<number, Bill>;
}

/** Shares of all requests. */
const TOO_MANY = 0.1;
const SERVER_ERROR = 0.02;
const SILENCE = 0.01;
const RESET = 0.005;

const retryAfter: Record<string, string>[] = [{ 'retry-after': '1' }, { 'retry-after-ms': '200' }, {}, {}];
const LATENCY_MS = [50, 500] as const;

/** What happens to a request depends on the seed, the prompt and how often it was asked, not on the clock. */
export async function startMisbehavingProvider(seed: number, honourN: boolean): Promise<MisbehavingProvider> {
  const bills = new Map<number, Bill>();
  const provider = await startFakeProvider({
    honourN,
    latencyMs: ({ prompt, promptCount }) =>
      createRandom(seed, `latency ${prompt} ${promptCount}`).between(...LATENCY_MS),
    script: ({ prompt, promptCount, total, body }) => {
      const random = createRandom(seed, `reply ${prompt} ${promptCount}`);
      const fault = faultOf(random.next());
      if (fault) return fault;
      const choices = honourN ? Number(body['n'] ?? 1) : 1;
      const bill = {
        promptTokens: 10 + random.index(500),
        completionTokens: choices * (1 + random.index(300)),
      };
      bills.set(total, bill);
      return reply.ok({
        usage: {
          prompt_tokens: bill.promptTokens,
          completion_tokens: bill.completionTokens,
          total_tokens: bill.promptTokens + bill.completionTokens,
        },
      });

      function faultOf(lot: number): FakeReply | null {
        let left = lot;
        const falls = (share: number): boolean => (left -= share) < 0;
        if (falls(TOO_MANY)) {
          return reply.status(429, { headers: random.pick(retryAfter) });
        }
        if (falls(SERVER_ERROR)) return reply.status(500);
        if (falls(SILENCE)) return reply.silence({ headersFirst: random.chance(0.5) });
        if (falls(RESET)) return reply.cut(random.pick(['before headers', 'after headers', 'mid-body']));
        return null;
      }
    },
  });
  return Object.defineProperty(provider, 'bills', { value: bills }) as MisbehavingProvider;
}
