import { KeyIndex } from './key-index.ts';

const BITS = 32;
/** No prompt of this key is left. */
const NONE = 0xffff_ffff;

/**
 * What the prompts of a batch lack, found by what they ask: some 40 bytes a prompt, as long as it asks for
 * up to 32 completions. Prompts of one key are in input order.
 */
export class WantedAnswers {
  /** The first prompt of each key. */
  readonly #first = new KeyIndex();
  /** By prompt: the next one of its key, from 1; 0: there is none. */
  readonly #next: Uint32Array;
  /** By the first prompt of a key: the last one. */
  readonly #last: Uint32Array;
  /** By the first prompt of a key: whose turn it is, from 1; 0: its own. */
  readonly #turn: Uint32Array;
  /** By prompt: a bit for each sample that it lacks. */
  readonly #missing: Uint32Array;
  readonly #words: number;

  constructor(prompts: number, mostCompletions: number) {
    this.#words = Math.ceil(mostCompletions / BITS);
    this.#next = new Uint32Array(prompts);
    this.#last = new Uint32Array(prompts);
    this.#turn = new Uint32Array(prompts);
    this.#missing = new Uint32Array(prompts * this.#words);
  }

  /** In input order; `index` is the prompt's position in the batch, samples count from 1. */
  add(key: string, index: number, missing: readonly number[]): void {
    const first = this.#first.claim(key, index);
    if (first !== index) this.#next[this.#last[first]!] = index + 1;
    this.#last[first] = index;
    for (const sample of missing) {
      const [word, bit] = this.#placeOf(index, sample);
      this.#missing[word]! |= bit;
    }
  }

  /** Position of the prompt whose turn it is among those of the key: each has one turn, until all start over. */
  nextOf(key: string): number | undefined {
    const first = this.#first.get(key);
    if (first === undefined) return undefined;
    const turn = this.#turn[first]!;
    if (turn === NONE) return undefined;
    const index = turn === 0 ? first : turn - 1;
    this.#turn[first] = this.#next[index] || NONE;
    return index;
  }

  startOver(): void {
    this.#turn.fill(0);
  }

  /** Whether the prompt lacked this sample; now it does not. */
  take(index: number, sample: number): boolean {
    if (sample > this.#words * BITS) return false;
    const [word, bit] = this.#placeOf(index, sample);
    if ((this.#missing[word]! & bit) === 0) return false;
    this.#missing[word]! &= ~bit;
    return true;
  }

  #placeOf(index: number, sample: number): [word: number, bit: number] {
    return [index * this.#words + Math.floor((sample - 1) / BITS), 1 << ((sample - 1) % BITS)];
  }
}
