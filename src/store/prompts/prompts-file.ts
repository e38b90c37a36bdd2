import { type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { PromptItem } from '../../core/prompt.ts';
import { BlockReader } from '../../system/files/block-reader.ts';
import { linesOf } from '../../system/files/lines.ts';
import { parsePromptLine } from './prompt-line.ts';
import { messageOf, StoreError } from '../store-error.ts';
import { openRegular } from '../../system/files/regular-file.ts';

/** Prompts are taken up in about the order of the file. */
const BLOCKS_KEPT = 3;

export interface PromptsFileOptions {
  /** Position of its first prompt in the batch. */
  firstIndex: number;
  /** Position of its last prompt. Default: as many as there are. */
  lastIndex?: number;
  /** Most completions that a prompt of the batch asks for. Default: no limit. */
  maxCompletions?: number;
}

/** The prompts of one shard, one JSON line each: read one by one, or all in input order. Throws {@link StoreError} for a line that is none. */
export class PromptsFile {
  readonly #path: string;
  readonly #firstIndex: number;
  readonly #lastIndex: number;
  readonly #maxCompletions: number;
  readonly #blocks: BlockReader;
  #offsets: Promise<number[]> | null = null;

  constructor(
    path: string,
    {
      firstIndex,
      lastIndex = Number.MAX_SAFE_INTEGER,
      maxCompletions = Number.MAX_SAFE_INTEGER,
    }: PromptsFileOptions,
  ) {
    this.#path = path;
    this.#firstIndex = firstIndex;
    this.#lastIndex = lastIndex;
    this.#maxCompletions = maxCompletions;
    this.#blocks = new BlockReader(dirname(path), BLOCKS_KEPT);
  }

  async read(index: number): Promise<PromptItem> {
    const offsets = await (this.#offsets ??= this.#readOffsets());
    const at = index - this.#firstIndex;
    const [from, to] = [offsets[at], offsets[at + 1]];
    if (from === undefined || to === undefined) throw new StoreError(`${this.#path} has no prompt ${index}`);
    return this.#parse(index, await this.#blocks.read(basename(this.#path), from, to - from));
  }

  async *all(): AsyncGenerator<{ index: number; item: PromptItem }> {
    const file = await openRegular(this.#path);
    let index = this.#firstIndex;
    try {
      const { size } = await file.stat();
      for await (const lines of linesOf(file, 0, size)) {
        for (const { bytes } of lines) yield { index, item: this.#parse(index++, bytes) };
      }
    } finally {
      await file.close();
    }
  }

  #parse(index: number, bytes: Buffer): PromptItem {
    try {
      if (index > this.#lastIndex)
        throw new Error(`expected ${this.#lastIndex - this.#firstIndex + 1} prompts, got more`);
      return parsePromptLine(bytes, this.#maxCompletions);
    } catch (error) {
      throw new StoreError(
        `${this.#path}: line ${index - this.#firstIndex + 1}: ${messageOf(error)}. ` +
          'The prompts of a batch never change: put the file back from a backup.',
        { cause: error },
      );
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
