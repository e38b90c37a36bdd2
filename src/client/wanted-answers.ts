import type { RequestKey } from '../store/request-key.ts';
import { KeyIndex } from './key-index.ts';

/** A prompt that lacks answers. */
export interface Wanting {
  key: RequestKey;
  /** Its position in the batch. */
  index: number;
  /** Samples that it lacks, in ascending order; a number: all samples up to it. */
  missing: number[] | number;
  /** Its request names a seed: answers belong to their sample numbers. */
  isSeeded: boolean;
}

/** An answer that is there to be taken. */
export interface Offer {
  key: RequestKey;
  /** Where it came from first, as {@link originName} has it. */
  origin: string;
  sample: number;
  /** It ended by itself: with a larger token limit it could have come out the same. */
  isComplete: boolean;
}

interface Waiting {
  index: number;
  maxTokens: number;
  missing: number[];
  isSeeded: boolean;
  next: Waiting | null;
}

/** One sample of one response, whatever copies of it there are. */
export const originName = (answerId: string, sample: number): string => `${answerId}#${sample}`;

/**
 * What the prompts of a batch lack, by what they ask. Answers of one key are exchangeable, unless a seed is set; no
 * answer is given twice, nor one that the batch has already.
 */
export class WantedAnswers {
  /** By the digest of a key: the position of its prompts' list in `#lists`. */
  readonly #keys = new KeyIndex();
  /** Prompts of each digest that lack something, in the order they were added. */
  readonly #lists: { first: Waiting | null; last: Waiting | null }[] = [];
  readonly #held = new Set<string>();

  add({ key, index, missing, isSeeded }: Wanting): void {
    const samples =
      typeof missing === 'number' ? Array.from({ length: missing }, (_, at) => at + 1) : [...missing];
    if (samples.length === 0) return;
    const at = this.#keys.claimDigest(key.digest, this.#lists.length);
    if (at === this.#lists.length) this.#lists.push({ first: null, last: null });
    const list = this.#lists[at]!;
    const waiting: Waiting = { index, maxTokens: key.maxTokens, missing: samples, isSeeded, next: null };
    if (list.last) list.last.next = waiting;
    else list.first = waiting;
    list.last = waiting;
  }

  /** An answer that the batch has, used or not: it is never given to it. */
  hold(origin: string): void {
    this.#held.add(origin);
  }

  /** Whether some prompt may take an answer to this request; with `longer`, complete ones to a smaller token limit too. */
  wants(key: RequestKey, longer = false): boolean {
    for (let waiting = this.#firstOf(key); waiting; waiting = waiting.next)
      if (fits(waiting, key, longer)) return true;
    return false;
  }

  /** Gives the answer to a prompt that lacks one: which, and as which sample. `null`: nobody can use it. */
  give(offer: Offer, longer = false): { index: number; sample: number } | null {
    if (this.#held.has(offer.origin)) return null;
    let before: Waiting | null = null;
    for (let waiting = this.#firstOf(offer.key); waiting; before = waiting, waiting = waiting.next) {
      if (!fits(waiting, offer.key, longer && offer.isComplete)) continue;
      const at = placeOf(waiting, offer.sample);
      if (at < 0) continue;
      const [sample] = waiting.missing.splice(at, 1);
      if (waiting.missing.length === 0) this.#drop(offer.key, before, waiting);
      this.#held.add(offer.origin);
      return { index: waiting.index, sample: sample! };
    }
    return null;
  }

  #firstOf({ digest }: RequestKey): Waiting | null {
    const at = this.#keys.getDigest(digest);
    return at === undefined ? null : this.#lists[at]!.first;
  }

  #drop({ digest }: RequestKey, before: Waiting | null, waiting: Waiting): void {
    const list = this.#lists[this.#keys.getDigest(digest)!]!;
    if (before) before.next = waiting.next;
    else list.first = waiting.next;
    if (list.last === waiting) list.last = before;
  }
}

const fits = (waiting: Waiting, { maxTokens }: RequestKey, longer: boolean): boolean =>
  waiting.maxTokens === maxTokens || (longer && waiting.maxTokens > maxTokens);

/** The same sample number where it is free; else the lowest one that is, unless a seed makes them differ. */
function placeOf({ missing, isSeeded }: Waiting, sample: number): number {
  const same = missing.indexOf(sample);
  return same >= 0 || isSeeded ? same : 0;
}
