import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readAtLeast } from './lines.ts';

const BLOCK_BYTES = 1 << 16;
const BLOCKS_KEPT = 32;

/**
 * Reads pieces of a folder's files of which neighbours are mostly wanted soon: whole blocks, of which
 * the last few are kept. What it read once must not change, unless it is told to {@link forget}.
 */
export class BlockReader {
  readonly #folder: string;
  /** By file and number; the least recently used first. A file's last one holds what there was of it. */
  readonly #blocks = new Map<string, Buffer>();

  constructor(folder: string) {
    this.#folder = folder;
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

  /** At least `needed` bytes of it. */
  async #block(name: string, number: number, needed: number): Promise<Buffer> {
    const key = `${number}/${name}`;
    let block = this.#blocks.get(key);
    if (!block || block.length < needed) {
      const whole = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      const length = await this.#read(name, whole, number * BLOCK_BYTES, needed);
      block = whole.subarray(0, length);
    }
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
    for (const [oldest] of this.#blocks) {
      if (this.#blocks.size <= BLOCKS_KEPT) break;
      this.#blocks.delete(oldest);
    }
    return block;
  }

  async #read(name: string, into: Buffer, position: number, least: number): Promise<number> {
    const file = await open(join(this.#folder, name), 'r');
    try {
      return await readAtLeast(least, file, into, position);
    } finally {
      await file.close();
    }
  }
}
