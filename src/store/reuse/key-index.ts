import { createHash } from 'node:crypto';

const ENTRIES_PER_CHUNK = 4096;
/** 96 bits of the key's SHA-256, then its number. */
const WORDS = 4;

/**
 * Numbers by key, in some 25 bytes a key however long the keys are: instead of a key it keeps 96 bits of
 * its SHA-256. Among a billion keys two would share them with a chance of one in 10^11.
 */
export class KeyIndex {
  readonly #chunks: Uint32Array[] = [];
  /** A hash table with open addressing: the position of an entry and 1, or 0. */
  #slots = new Uint32Array(1024);
  #size = 0;

  /** How many keys have a number. */
  get size(): number {
    return this.#size;
  }

  /** The key's number, up to 2^32 − 1; `undefined`: it has none. */
  get(key: string): number | undefined {
    return this.getDigest(digestOf(key));
  }

  /** Gives a key this number, unless it has one: the number it has then. */
  claim(key: string, number: number): number {
    return this.claimDigest(digestOf(key), number);
  }

  /** As {@link get}, for who has a digest of at least 96 bits already. */
  getDigest(digest: Buffer): number | undefined {
    return this.#numberAt(this.#slots[this.#slotOf(digest)]!);
  }

  /** As {@link claim}, for who has a digest of at least 96 bits already. */
  claimDigest(digest: Buffer, number: number): number {
    const slot = this.#slotOf(digest);
    const known = this.#numberAt(this.#slots[slot]!);
    if (known !== undefined) return known;
    const at = this.#size % ENTRIES_PER_CHUNK;
    if (at === 0) this.#chunks.push(new Uint32Array(ENTRIES_PER_CHUNK * WORDS));
    const chunk = this.#chunks.at(-1)!;
    for (let word = 0; word < WORDS - 1; word++) chunk[at * WORDS + word] = digest.readUInt32LE(4 * word);
    chunk[at * WORDS + WORDS - 1] = number;
    this.#slots[slot] = ++this.#size;
    if (this.#size > 0.7 * this.#slots.length) this.#grow();
    return number;
  }

  #numberAt(entry: number): number | undefined {
    return entry === 0 ? undefined : this.#word(entry, WORDS - 1);
  }

  #word(entry: number, word: number): number {
    const chunk = this.#chunks[Math.floor((entry - 1) / ENTRIES_PER_CHUNK)]!;
    return chunk[((entry - 1) % ENTRIES_PER_CHUNK) * WORDS + word]!;
  }

  /** Where the key's entry is noted, or would be. */
  #slotOf(digest: Buffer): number {
    const [first, second, third] = [digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8)];
    const mask = this.#slots.length - 1;
    for (let slot = first & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]!;
      if (entry === 0) return slot;
      if (
        this.#word(entry, 0) === first &&
        this.#word(entry, 1) === second &&
        this.#word(entry, 2) === third
      ) {
        return slot;
      }
    }
  }

  #grow(): void {
    const slots = new Uint32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let entry = 1; entry <= this.#size; entry++) {
      let slot = this.#word(entry, 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
    this.#slots = slots;
  }
}

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest();
