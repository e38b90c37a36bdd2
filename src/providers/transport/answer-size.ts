/** How much of an answer is taken, and how much of all answers together is in memory. */
import type { CompletionRequest } from '../completion-api.ts';

/** Room for names, counts and keep-alive lines, and for reasoning that does not count into `max_tokens`. */
const ENVELOPE_BYTES = 1024 * 1024;
/** Of a token, four bytes on average: the longest ones, escaped, and the same again as reasoning. */
const BYTES_PER_TOKEN = 128;
/** Of a token's probability, with its text as text and as bytes. */
const BYTES_PER_PROBABILITY = 512;
/** A provider that sends more than this is not answering a prompt. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The longest answer, in bytes, that `max_tokens` can make. */
export function maxAnswerBytes({
  maxTokens,
  n,
  extraBody = {},
}: Pick<CompletionRequest, 'maxTokens' | 'n' | 'extraBody'>): number {
  const numberIn = (field: string): number => {
    const value = extraBody[field];
    return typeof value === 'number' && value > 0 ? value : 0;
  };
  const tokens = Math.max(maxTokens, numberIn('max_tokens'), numberIn('max_completion_tokens'));
  const probabilities = extraBody['logprobs'] ? 1 + numberIn('top_logprobs') + numberIn('logprobs') : 0;
  const perToken = BYTES_PER_TOKEN + probabilities * BYTES_PER_PROBABILITY;
  return Math.min(MAX_BYTES, ENVELOPE_BYTES + Math.max(n, numberIn('n')) * tokens * perToken);
}

/** One answer that is being read. */
export interface HeldAnswer {
  /** Counts further bytes. Where there is no room for more, returns a promise of when to read on. */
  hold(bytes: number): Promise<void> | null;
  /** What was held is no longer in memory. */
  release(): void;
}

/**
 * Bounds the bytes of the answers that a process is reading. Past `maxBytes`, all but the one that began first wait until others
 * have been read: so there is always one that can end.
 */
export class AnswerMemory {
  readonly #maxBytes: number;
  /** Those that are being read, in the order in which they began; what waits is woken by its function. */
  readonly #answers = new Set<{ bytes: number; wake: (() => void) | null }>();
  #held = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get held(): number {
    return this.#held;
  }

  begin(): HeldAnswer {
    const answer = { bytes: 0, wake: null as (() => void) | null };
    this.#answers.add(answer);
    return {
      hold: (bytes) => {
        answer.bytes += bytes;
        this.#held += bytes;
        const [first] = this.#answers;
        if (this.#held <= this.#maxBytes || answer === first) return null;
        return new Promise((resolve) => (answer.wake = resolve));
      },
      release: () => {
        if (!this.#answers.delete(answer)) return;
        this.#held -= answer.bytes;
        this.#wake();
      },
    };
  }

  #wake(): void {
    for (const answer of this.#answers) {
      answer.wake?.();
      answer.wake = null;
      // One after the other, as long as there is room: each may bring much.
      if (this.#held > this.#maxBytes) return;
    }
  }
}
