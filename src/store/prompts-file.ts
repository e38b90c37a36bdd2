import { type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { PromptItem } from '../contract.ts';
import { BlockReader } from './block-reader.ts';
import { linesOf } from './lines.ts';
import { StoreError } from './store-error.ts';
import { openRegular } from '../regular-file.ts';

/** Prompts are taken up in about the order of the file. */
const BLOCKS_KEPT = 3;

/** The prompts of one shard, one JSON line each: read one by one, or all in input order. */
export class PromptsFile {
  readonly #path: string;
  readonly #firstIndex: number;
  readonly #blocks: BlockReader;
  #offsets: Promise<number[]> | null = null;

  /** `firstIndex` is the position of its first prompt in the batch. */
  constructor(path: string, firstIndex: number) {
    this.#path = path;
    this.#firstIndex = firstIndex;
    this.#blocks = new BlockReader(dirname(path), BLOCKS_KEPT);
  }

  async read(index: number): Promise<PromptItem> {
    const offsets = await (this.#offsets ??= this.#readOffsets());
    const at = index - this.#firstIndex;
    const [from, to] = [offsets[at], offsets[at + 1]];
    if (from === undefined || to === undefined) throw new StoreError(`${this.#path} has no prompt ${index}`);
    const bytes = await this.#blocks.read(basename(this.#path), from, to - from);
    return JSON.parse(bytes.toString('utf8')) as PromptItem;
  }

  async *all(): AsyncGenerator<{ index: number; item: PromptItem }> {
    const file = await openRegular(this.#path);
    let index = this.#firstIndex;
    try {
      const { size } = await file.stat();
      for await (const lines of linesOf(file, 0, size)) {
        for (const { bytes } of lines)
          yield { index: index++, item: JSON.parse(bytes.toString('utf8')) as PromptItem };
      }
    } finally {
      await file.close();
    }
  }

  async #readOffsets(): Promise<number[]> {
    try {
      const file = await openRegular(this.#path);
      try {
        return await lineOffsets(file);
      } finally {
        await file.close();
      }
    } catch (error) {
      // The next one who asks tries again.
      this.#offsets = null;
      throw error;
    }
  }
}

/** Where each line starts, and after them the file's size. */
async function lineOffsets(file: FileHandle): Promise<number[]> {
  const { size } = await file.stat();
  const offsets = [0];
  for await (const lines of linesOf(file, 0, size)) {
    for (const { bytes, offset } of lines) offsets.push(Math.min(size, offset + bytes.length + 1));
  }
  return offsets;
}
