import { basename, join } from 'node:path';
import { readAtLeast } from './lines.ts';
import { openRegular } from './regular-file.ts';

const BLOCK_BYTES = 1 << 16;
/** Some 2 MB. */
const BLOCKS_KEPT = 32;

/**
 * Reads pieces of a folder's files of which neighbours are mostly wanted soon: whole blocks, of which
 * the last few are kept. What it read once must not change, unless it is told to {@link forget}.
 */
export class BlockReader {
  readonly #folder: string;
  readonly #kept: number;
  /** By file and number; the least recently used first. A file's last one holds what there was of it. */
  readonly #blocks = new Map<string, Promise<Buffer>>();

  /** `kept`: how many blocks of 64 KB stay in memory. */
  constructor(folder: string, kept: number = BLOCKS_KEPT) {
    this.#folder = folder;
    this.#kept = kept;
  }

  async read(name: string, offset: number, length: number): Promise<Buffer> {
    const first = Math.floor(offset / BLOCK_BYTES);
    const last = Math.floor((offset + length - 1) / BLOCK_BYTES);
    if (last - first > 1) {
      const bytes = Buffer.allocUnsafe(length);
      await this.#read(name, bytes, offset, length);
      return bytes;
    }
    const end = offset + length - first * BLOCK_BYTES;
    const block = await this.#block(name, first, Math.min(end, BLOCK_BYTES));
    const from = offset - first * BLOCK_BYTES;
    if (last === first) return block.subarray(from, end);
    const next = await this.#block(name, last, end - BLOCK_BYTES);
    return Buffer.concat([block.subarray(from), next.subarray(0, end - BLOCK_BYTES)]);
  }

  forget(): void {
    this.#blocks.clear();
  }

  /** At least `needed` bytes of it. All who want the same at a time share one read. */
  async #block(name: string, number: number, needed: number): Promise<Buffer> {
    const key = `${number}/${name}`;
    for (;;) {
      const kept = this.#blocks.get(key);
      const reading = kept ?? this.#readBlock(name, number, needed);
      if (!kept) this.#keep(key, reading);
      const block = await reading;
      const isKept = this.#blocks.get(key) === reading;
      if (isKept) this.#blocks.delete(key);
      if (block.length >= needed) {
        if (isKept) this.#blocks.set(key, reading);
        return block;
      }
      // The file was shorter when it was read: once more.
    }
  }

  #keep(key: string, reading: Promise<Buffer>): void {
    this.#blocks.set(key, reading);
    reading.catch(() => {
      if (this.#blocks.get(key) === reading) this.#blocks.delete(key);
    });
    for (const [oldest] of this.#blocks) {
      if (this.#blocks.size <= this.#kept) break;
      this.#blocks.delete(oldest);
    }
  }

  async #readBlock(name: string, number: number, needed: number): Promise<Buffer> {
    const whole = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    return whole.subarray(0, await this.#read(name, whole, number * BLOCK_BYTES, needed));
  }

  async #read(name: string, into: Buffer, position: number, least: number): Promise<number> {
    // The name may come from a note of somebody else's.
    if (basename(name) !== name)
      throw new Error(`${JSON.stringify(name)} is a path, where the name of a file was expected`);
    const file = await openRegular(join(this.#folder, name));
    try {
      return await readAtLeast(least, file, into, position);
    } finally {
      await file.close();
    }
  }
}
