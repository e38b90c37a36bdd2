import { type FileHandle, open } from 'node:fs/promises';
import type { PromptItem } from '../contract.ts';
import { linesOf, readFully } from './lines.ts';
import { StoreError } from './store-error.ts';

/** The prompts of one shard, one JSON line each: read one by one, or all in input order. */
export class PromptsFile {
  readonly #path: string;
  readonly #firstIndex: number;
  #opened: Promise<{ file: FileHandle; offsets: number[] }> | null = null;

  /** `firstIndex` is the position of its first prompt in the batch. */
  constructor(path: string, firstIndex: number) {
    this.#path = path;
    this.#firstIndex = firstIndex;
  }

  /** Keeps the file open until {@link close}. */
  async read(index: number): Promise<PromptItem> {
    const { file, offsets } = await (this.#opened ??= this.#open());
    const at = index - this.#firstIndex;
    const [from, to] = [offsets[at], offsets[at + 1]];
    if (from === undefined || to === undefined) throw new StoreError(`${this.#path} has no prompt ${index}`);
    const bytes = Buffer.allocUnsafe(to - from);
    await readFully(file, bytes, from);
    return JSON.parse(bytes.toString('utf8')) as PromptItem;
  }

  async *all(): AsyncGenerator<{ index: number; item: PromptItem }> {
    const file = await open(this.#path, 'r');
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

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    if (opened) await (await opened).file.close();
  }

  async #open(): Promise<{ file: FileHandle; offsets: number[] }> {
    try {
      const file = await open(this.#path, 'r');
      try {
        return { file, offsets: await lineOffsets(file) };
      } catch (error) {
        await file.close();
        throw error;
      }
    } catch (error) {
      // The next one who asks tries again.
      this.#opened = null;
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
