import type { Origin } from '../../store/reuse/answer-index.ts';
import type { RequestKey } from '../../store/prompts/request-key.ts';
import { KeyIndex } from '../../store/reuse/key-index.ts';

/** A prompt that lacks answers. */
export interface Wanting {
  key: RequestKey;
  /** Its position in the batch. */
  index: number;
  /** Samples that it lacks, in ascending order; a number: all samples up to it. */
  missing: number[] | number;
  /** Its request names a seed: answers belong to their sample numbers. The same for all prompts of one digest. */
  isSeeded: boolean;
}

/** An answer that is there to be taken. */
export interface Offer {
  key: RequestKey;
  /** Where it came from first. */
  origin: Origin;
  sample: number;
  /** It ended by itself: with a larger token limit it could have come out the same. */
  isComplete: boolean;
}

interface Waiting {
  index: number;
  missing: number[];
  next: Waiting | null;
}

interface Queue {
  first: Waiting | null;
  last: Waiting | null;
}

/** Prompts of one digest and one token limit. The first of a queue always takes what is offered, so nothing is searched. */
interface Group {
  maxTokens: number;
  /** By sample number where a seed is set; otherwise one queue, under {@link ANY_SAMPLE}. */
  queues: Map<number, Queue>;
  isSeeded: boolean;
  /** Of the same digest, with another limit. */
  next: Group | null;
}

const ANY_SAMPLE = 0;

const originName = ({ answer, sample }: Origin): string => `${answer}#${sample}`;

/**
 * What the prompts of a batch lack, by what they ask. Answers of one key are exchangeable, unless a seed is set; no
 * answer is given twice, nor one that the batch has already.
 */
export class WantedAnswers {
  /** By the digest of a key: the position of its first group in `#groups`. */
  readonly #keys = new KeyIndex();
  readonly #groups: Group[] = [];
  readonly #held = new Set<string>();

  add({ key, index, missing, isSeeded }: Wanting): void {
    const samples =
      typeof missing === 'number' ? Array.from({ length: missing }, (_, at) => at + 1) : [...missing];
    if (samples.length === 0) return;
    const group = this.#groupFor(key, isSeeded);
    if (isSeeded)
      for (const sample of samples) enqueue(group, sample, { index, missing: [sample], next: null });
    else enqueue(group, ANY_SAMPLE, { index, missing: samples, next: null });
  }

  /** An answer that the batch has, used or not: it is never given to it. */
  hold(origin: Origin): void {
    this.#held.add(originName(origin));
  }

  /** Whether some prompt may take an answer to this request; with `longer`, complete ones to a smaller token limit too. */
  wants(key: RequestKey, longer = false): boolean {
    for (const { queues } of this.#groupsOf(key, longer))
      for (const { first } of queues.values()) if (first) return true;
    return false;
  }

  /** As {@link wants}, whatever token limit the answer was bought with. */
  wantsWithAnyLimit({ digest }: Pick<RequestKey, 'digest'>): boolean {
    return this.wants({ digest, maxTokens: 0 }, true);
  }

  /**
   * Gives the answer to a prompt that lacks one: which, and as which sample. `null`: none can use it. Prompts with the
   * same token limit come first.
   */
  give(offer: Offer, longer = false): { index: number; sample: number } | null {
    const origin = originName(offer.origin);
    if (this.#held.has(origin)) return null;
    for (const group of this.#groupsOf(offer.key, longer && offer.isComplete)) {
      const taken = take(group, offer.sample);
      if (!taken) continue;
      this.#held.add(origin);
      return taken;
    }
    return null;
  }

  /** The group of this key, then, if wanted, those of larger token limits. */
  *#groupsOf({ digest, maxTokens }: RequestKey, longer: boolean): Generator<Group> {
    const at = this.#keys.getDigest(digest);
    const first = at === undefined ? null : this.#groups[at]!;
    for (let group = first; group; group = group.next) if (group.maxTokens === maxTokens) yield group;
    if (!longer) return;
    for (let group = first; group; group = group.next) if (group.maxTokens > maxTokens) yield group;
  }

  #groupFor({ digest, maxTokens }: RequestKey, isSeeded: boolean): Group {
    const at = this.#keys.claimDigest(digest, this.#groups.length);
    const group: Group = { maxTokens, queues: new Map(), isSeeded, next: null };
    if (at === this.#groups.length) {
      this.#groups.push(group);
      return group;
    }
    for (let known = this.#groups[at]!; ; known = known.next) {
      if (known.maxTokens === maxTokens) return known;
      if (!known.next) return (known.next = group);
    }
  }
}

function enqueue({ queues }: Group, sample: number, waiting: Waiting): void {
  const queue = queues.get(sample);
  if (!queue) {
    queues.set(sample, { first: waiting, last: waiting });
    return;
  }
  if (queue.last) queue.last.next = waiting;
  else queue.first = waiting;
  queue.last = waiting;
}

/** The same sample number where it is free; else the lowest one that is, unless a seed makes them differ. */
function take({ queues, isSeeded }: Group, sample: number): { index: number; sample: number } | null {
  const queue = queues.get(isSeeded ? sample : ANY_SAMPLE);
  const waiting = queue?.first;
  if (!queue || !waiting) return null;
  const [taken] = waiting.missing.splice(Math.max(0, waiting.missing.indexOf(sample)), 1);
  if (waiting.missing.length === 0) {
    queue.first = waiting.next;
    if (!queue.first) queue.last = null;
  }
  return { index: waiting.index, sample: taken! };
}
