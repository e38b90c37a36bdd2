/** The answers of a batch in the order in which they come to its ledger, each once, for who looks on. */
import { type FileHandle, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BatchStore } from '../batch-store.ts';
import { type FeedPosition, fileTag } from './feed-position.ts';
import { ledgerSizes } from './ledger-files.ts';
import { linesOf } from '../../system/files/lines.ts';
import { toRecord } from './record-schema.ts';
import type { AnswerRecord, LedgerRecord } from './records.ts';
import { assertNoLink } from '../no-links.ts';
import { ledgerFolderOf, ledgerRootOf } from '../shard-name.ts';
import { StoreError } from '../store-error.ts';
import { openRegular } from '../../system/files/regular-file.ts';

export interface FedAnswer {
  shard: number;
  record: AnswerRecord;
}

/** Shards of which it remembers what it has read: of any other it looks that up again when the shard grows. */
const SHARDS_REMEMBERED = 64;
const TAIL_BYTES = 1 << 16;
const NEWLINE = 0x0a;

/**
 * Reads what was appended to a ledger, by whomever, and keeps no text. A torn last line is left until it is whole;
 * a record that a writer had to write twice, as a disk was full, is given once.
 */
export class AnswerFeed {
  readonly #store: BatchStore;
  readonly #files = new Map<number, Map<string, number>>();
  /** Ids of the answers given, by shard; the least recently used first. */
  readonly #seen = new Map<number, Set<string>>();

  /** From the beginning, or from where an earlier one has come to. */
  constructor(store: BatchStore, from: FeedPosition = new Map()) {
    this.#store = store;
    for (const [shard, files] of from) this.#files.set(shard, new Map(files));
  }

  /** Behind the last answer that was given and asked on from. */
  get position(): FeedPosition {
    return this.#files;
  }

  /** Leaves out all that is there by now. */
  async skip(): Promise<void> {
    for (const shard of await this.#shards()) {
      const folder = ledgerFolderOf(this.#store.folder, shard);
      for (const [name, size] of (await ledgerSizes(folder)) ?? [])
        this.#filesOf(shard).set(fileTag(name), await lastLineEnd(join(folder, name), size));
    }
  }

  /** Everything appended before the call that was not given yet. */
  async *next(): AsyncGenerator<FedAnswer, void, undefined> {
    for (const shard of await this.#shards()) yield* this.#nextOf(shard);
  }

  async *#nextOf(shard: number): AsyncGenerator<FedAnswer, void, undefined> {
    const folder = ledgerFolderOf(this.#store.folder, shard);
    const files = this.#filesOf(shard);
    const grown = [...((await ledgerSizes(folder)) ?? [])].filter(
      ([name, size]) => size > (files.get(fileTag(name)) ?? 0),
    );
    if (grown.length === 0) return;
    const seen = await this.#seenOf(shard);
    for (const [name, size] of grown) {
      const tag = fileTag(name);
      for await (const { record, end } of recordsOf(join(folder, name), files.get(tag) ?? 0, size)) {
        if (record.type === 'answer' && !seen.has(record.id)) {
          yield { shard, record };
          seen.add(record.id);
        }
        files.set(tag, end);
      }
    }
  }

  #filesOf(shard: number): Map<string, number> {
    const files = this.#files.get(shard) ?? new Map<string, number>();
    this.#files.set(shard, files);
    return files;
  }

  /** Shards that have a ledger, in order. */
  async #shards(): Promise<number[]> {
    const ledger = ledgerRootOf(this.#store.folder);
    await assertNoLink(ledger);
    const names = await readdir(ledger).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  async #seenOf(shard: number): Promise<Set<string>> {
    const seen = this.#seen.get(shard) ?? (await this.#readSeen(shard));
    this.#seen.delete(shard);
    this.#seen.set(shard, seen);
    for (const [oldest] of this.#seen) {
      if (this.#seen.size <= SHARDS_REMEMBERED) break;
      this.#seen.delete(oldest);
    }
    return seen;
  }

  async #readSeen(shard: number): Promise<Set<string>> {
    const seen = new Set<string>();
    const folder = ledgerFolderOf(this.#store.folder, shard);
    for (const [name, size] of (await ledgerSizes(folder)) ?? []) {
      const read = Math.min(size, this.#filesOf(shard).get(fileTag(name)) ?? 0);
      for await (const { record } of recordsOf(join(folder, name), 0, read))
        if (record.type === 'answer') seen.add(record.id);
    }
    return seen;
  }
}

/** The whole records between two offsets, each with where the next one starts. */
async function* recordsOf(
  path: string,
  from: number,
  to: number,
): AsyncGenerator<{ record: LedgerRecord; end: number }> {
  const file = await openRegular(path);
  try {
    for await (const lines of linesOf(file, from, to)) {
      for (const { bytes, offset, last } of lines) {
        const record = parseRecord(bytes);
        const end = offset + bytes.length + 1;
        if (record) yield { record, end };
        else if (last) return;
        else if (bytes.length > 0) throw foreignLine(path, offset);
      }
    }
  } finally {
    await file.close();
  }
}

function parseRecord(bytes: Buffer): LedgerRecord | null {
  try {
    return toRecord(JSON.parse(bytes.toString('utf8')));
  } catch {
    return null;
  }
}

const foreignLine = (path: string, offset: number): StoreError =>
  new StoreError(`${path}: what stands at byte ${offset} is no record of a ledger`);

/** Behind the last line break of the first `size` bytes. */
async function lastLineEnd(path: string, size: number): Promise<number> {
  const file: FileHandle = await openRegular(path);
  try {
    for (let to = size; to > 0;) {
      const from = Math.max(0, to - TAIL_BYTES);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
      const at = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE);
      if (at >= 0) return from + at + 1;
      to = from;
    }
    return 0;
  } finally {
    await file.close();
  }
}
