import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiLimits, CompletionApi, CompletionRequest } from './completion-api.ts';
import { ProviderFault } from './provider-fault.ts';

const openings = [
  'The short answer depends on what matters most to you.',
  'There are two ways to look at this, and both have merit.',
  'It helps to start from the simplest case.',
  'In practice, most people begin with a rough draft.',
  'The idea is older than its name.',
];
const middles = [
  'First, gather what you already know and write it down.',
  'A small example makes the difference visible at once.',
  'The costs are easy to see, the benefits come later.',
  'Feedback from people is compared, not scored, because comparing is easier.',
  'Each step can be checked on its own before the next one begins.',
  'When two goals pull apart, say which one wins and why.',
];
const endings = [
  'Try it on something small before you rely on it.',
  'That is enough for most cases; the rest is refinement.',
  'If in doubt, choose the option that is easier to undo.',
  'Measure the result, then adjust.',
];

/** The same number from 0 to 1 for the same parts. */
function chance(...parts: unknown[]): number {
  return createHash('sha256').update(JSON.stringify(parts)).digest().readUInt32BE(0) / 2 ** 32;
}

/** About four bytes a token, as in English. */
const tokensOf = (text: string): number => Math.ceil(Buffer.byteLength(text) / 4);

const pick = (from: string[], at: number): string => from[Math.floor(at * from.length)] ?? '';

/** Several sentences, the same for the same messages, prompt id and sample. */
function simulatedText(request: CompletionRequest, sample: number): string {
  const draw = (what: string): number => chance(what, request.messages, request.promptId, sample);
  const question = request.messages.findLast(({ role }) => role === 'user')?.content ?? '';
  const topic = question.replace(/\s+/g, ' ').trim();
  const about = Array.from(topic).slice(0, 60).join('');
  return [
    `[simulated] Sample ${sample} on “${about}${about.length < topic.length ? '…' : ''}”.`,
    pick(openings, draw('opening')),
    ...middles.filter((_, i) => draw(`middle ${i}`) < 0.5),
    pick(endings, draw('ending')),
  ].join(' ');
}

/**
 * Answers in the process, at no cost: text, latency and errors depend only on prompt, sample and, for
 * errors, on how often that sample was asked for. Half the errors are the request's own (500), half
 * the provider's (429).
 */
export function createSimulatedApi(limits: ApiLimits): CompletionApi {
  const calls = new Map<string, number>();

  return {
    choicesPerRequest: () => 1,
    async complete(request, { signal, onByte }) {
      const sample = request.samples[0] ?? 1;
      const key = JSON.stringify([request.promptId, sample]);
      const call = (calls.get(key) ?? 0) + 1;
      calls.set(key, call);
      const draw = (what: string): number => chance(what, request.promptId, sample, call);

      signal.throwIfAborted();
      const latencyMs = Math.round(limits.simulateLatencyMs * (0.5 + draw('latency')));
      try {
        if (latencyMs > 0) await delay(latencyMs, undefined, { signal });
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      }
      onByte?.();

      const requestId = `simulated-${createHash('sha256').update(`${key}${call}`).digest('hex').slice(0, 12)}`;
      if (draw('error') < limits.simulateErrors) {
        throw draw('kind of error') < 0.5
          ? new ProviderFault({
              failure: 'Completion.Fault',
              message: 'HTTP 500: simulated internal error',
              status: 500,
              requestId,
              possiblyPaid: false,
            })
          : new ProviderFault({
              failure: 'Completion.Unavailable',
              message: 'HTTP 429: simulated rate limit',
              status: 429,
              requestId,
              retryAfterMs: 1_000,
              possiblyPaid: false,
            });
      }

      calls.delete(key);
      const full = simulatedText(request, sample);
      const text = full.slice(0, Math.max(1, request.maxTokens) * 4);
      const cut = tokensOf(full) > request.maxTokens;
      const prompt = request.messages.reduce((sum, { content }) => sum + tokensOf(content) + 4, 0);
      const completion = Math.min(tokensOf(full), request.maxTokens);
      return {
        choices: [{ text: cut ? text : full, finishReason: cut ? 'length' : 'stop' }],
        usage: { prompt, completion, total: prompt + completion, cached: 0, reasoning: 0 },
        model: request.model,
        requestId,
      };
    },
  };
}
