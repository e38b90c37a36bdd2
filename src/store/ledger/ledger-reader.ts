import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BlockReader } from '../../system/files/block-reader.ts';
import { presentLedgerSizes } from './ledger-files.ts';
import type { WriterAudience, WrittenRecord } from './ledger-writer.ts';
import { linesOf } from '../../system/files/lines.ts';
import {
  type AnswerMeta,
  NO_HISTORY,
  type PromptHistory,
  type RecordLocation,
  withRecord,
} from './prompt-history.ts';
import { toRecord } from './record-schema.ts';
import type { AnswerRecord, LedgerRecord } from './records.ts';
import { endOf } from './prompt-state.ts';
import { parseLine } from '../parse-line.ts';
import { messageOf } from '../store-error.ts';
import { openRegular } from '../../system/files/regular-file.ts';

/** A ledger file holds a line that is not this batch's. Names the file and the line, and quotes nothing of it. */
export class ForeignLedgerError extends Error {
  override readonly name = 'ForeignLedgerError';
}

/** How far a file was read. */
interface Position {
  /** In bytes, to the end of the last whole line. */
  offset: number;
  line: number;
  /** In bytes, a torn last line included. */
  size: number;
}

interface OwnFile {
  file: string;
  /** Up to here its records were told. */
  told: number;
  /** Up to here they are being written: not to be read before they are told, for nobody relies on them yet. */
  written: number;
  /** Somebody else wrote into it: it is read like any other. */
  shared: boolean;
}

/** What was read so far. */
interface Index {
  prompts: Map<number, PromptHistory>;
  /** Prompts that have an end. */
  ended: Set<number>;
  seen: Set<string>;
  files: Map<string, Position>;
}
const newIndex = (): Index => ({
  prompts: new Map(),
  ended: new Set(),
  seen: new Set(),
  files: new Map(),
});

/**
 * Reads all ledger files of one shard and keeps an index of them without the texts. `refresh` reads
 * only what was appended since the last time, by whomever. A torn last line is left out (and read
 * once it is whole), a record that appears twice counts once, any other unreadable line is an error.
 * After an error, or once a file was taken away or cut, everything is read anew: nothing may count
 * that is not there. What this process's own writer has written is told to it, and not read back.
 */
export class LedgerReader implements WriterAudience {
  readonly #folder: string;
  readonly #firstIndex: number;
  readonly #lastIndex: number;
  readonly #texts: BlockReader;
  #index = newIndex();
  /** Somebody has to mend a file: what was read of it may stand elsewhere afterwards. */
  #failed = false;
  /** The file that this process's own writer appends to. */
  #own: OwnFile | null = null;
  /** UpdateResult while a file is being read. */
  readonly #told: { file: string; records: readonly WrittenRecord[] }[] = [];
  /** A record was told that could not be taken in: it is to be read. */
  #missed = false;
  #reading = false;
  #looked = { monotonic: Number.NEGATIVE_INFINITY, wall: Number.NEGATIVE_INFINITY };
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | null = null;

  /** `firstIndex` to `lastIndex` are the positions of the shard's prompts in the batch. */
  constructor(folder: string, firstIndex: number, lastIndex: number) {
    this.#folder = folder;
    this.#texts = new BlockReader(folder);
    this.#firstIndex = firstIndex;
    this.#lastIndex = lastIndex;
  }

  /** The same object as long as there is nothing new. */
  history(index: number): PromptHistory {
    return this.#index.prompts.get(index) ?? NO_HISTORY;
  }

  /** When it last began a look at the files that came through, by `performance.now()`. */
  get lookedAt(): number {
    return this.#looked.monotonic;
  }

  /** How long ago that was, in ms. A machine that was suspended meanwhile stopped one clock, one that was set right the other. */
  get lookAgeMs(): number {
    return Math.max(performance.now() - this.#looked.monotonic, Date.now() - this.#looked.wall);
  }

  /** This process has written records that are not taken in yet: the next refresh does. */
  get isBehind(): boolean {
    return this.#told.length > 0 || this.#missed;
  }

  /** How many of the shard's prompts have no end yet. */
  get open(): number {
    return this.#lastIndex - this.#firstIndex + 1 - this.#index.ended.size;
  }

  /** How many bytes of each file were taken in; `null` where the last refresh failed. */
  sizes(): Map<string, number> | null {
    if (this.#failed) return null;
    return new Map([...this.#index.files].map(([name, { size }]) => [name, size]));
  }

  /** Takes in everything appended before the call. Throws {@link ForeignLedgerError}. */
  refresh(): Promise<void> {
    return (this.#queued ??= this.#refreshNext());
  }

  writing(file: string, bytes: number): void {
    if (this.#own?.file === file) this.#own.written = bytes;
    else this.#own = { file, told: 0, written: bytes, shared: false };
  }

  wrote(file: string, records: readonly WrittenRecord[]): void {
    const last = records.at(-1);
    if (last && this.#own?.file === file) this.#own.told = last.offset + last.length + 1;
    this.#told.push({ file, records });
    if (!this.#reading) this.#takeTold(this.#index);
  }

  left(file: string): void {
    if (this.#own?.file === file) this.#own = null;
  }

  /** The answer with its texts. */
  async read(answer: AnswerMeta): Promise<AnswerRecord> {
    const { file, offset, length } = answer.location;
    const bytes = await this.#texts.read(file, offset, length);
    const record = toRecord(parseLine(bytes));
    if (record?.type !== 'answer' || record.id !== answer.id)
      throw new ForeignLedgerError(
        `${join(this.#folder, file)} has changed since it was read, at byte ${offset}`,
      );
    return record;
  }

  async #refreshNext(): Promise<void> {
    await this.#running.catch(() => {
      // whoever asked for that refresh was told
    });
    // All who ask in this turn of the event loop share one.
    await nextTurn();
    this.#queued = null;
    await (this.#running = this.#readAll());
  }

  async #readAll(): Promise<void> {
    const looked = { monotonic: performance.now(), wall: Date.now() };
    try {
      await this.#readFiles();
    } catch (error) {
      // What was told meanwhile may have gone with what was read.
      this.#missed = true;
      throw error;
    }
    this.#looked = looked;
  }

  async #readFiles(): Promise<void> {
    this.#missed = false;
    const known = [...this.#index.files].map(([name, { offset }]) => ({ name, offset }));
    const sizes = (await presentLedgerSizes(this.#folder)) ?? new Map<string, number>();
    // A last record may have been read before its line feed was written.
    const isWhole = known.every(({ name, offset }) => (sizes.get(name) ?? -1) >= offset - 1);
    if (this.#own && (sizes.get(this.#own.file) ?? 0) > this.#own.written && !this.#own.shared) {
      this.#own.shared = true;
      this.#failed = true;
    }
    if (!isWhole) this.#failed = true;
    if (this.#failed) this.#texts.forget();
    const index = this.#failed ? newIndex() : this.#index;
    this.#failed = true;
    this.#reading = true;
    try {
      for (const [name, size] of sizes) {
        const isOwn = name === this.#own?.file && !this.#own.shared;
        const end = isOwn ? Math.min(size, this.#own!.told) : size;
        const position = index.files.get(name) ?? { offset: 0, line: 0, size: 0 };
        index.files.set(name, position);
        position.size = Math.max(position.size, end);
        if (end > position.offset) await this.#readFile(index, name, position, end);
      }
    } finally {
      this.#reading = false;
      this.#takeTold(index);
    }
    this.#failed = false;
    this.#index = index;
  }

  async #readFile(index: Index, name: string, position: Position, end: number): Promise<void> {
    const file = await openRegular(join(this.#folder, name));
    try {
      for await (const lines of linesOf(file, position.offset, end)) {
        for (const { bytes, offset, last } of lines) {
          const taken = this.#take(index, name, bytes, offset, position.line + 1, last);
          if (!taken) break;
          position.offset = offset + bytes.length + 1;
          position.line++;
        }
      }
    } finally {
      await file.close();
    }
  }

  /** A record that does not follow on what is known of its file, or is no prompt's of this shard, is left to be read. */
  #takeTold(index: Index): void {
    for (const { file, records } of this.#told.splice(0)) {
      for (const { record, offset, length } of records) {
        const position = index.files.get(file) ?? { offset: 0, line: 0, size: 0 };
        // Something before it in the file is not read yet, or it was read from the file before it was told.
        if (position.offset < offset) this.#missed = true;
        if (position.offset !== offset || !this.#has(record.index)) continue;
        index.files.set(file, position);
        position.offset += length + 1;
        position.size = position.offset;
        position.line++;
        addOnce(index, record, { file, offset, length });
      }
    }
  }

  /** False if the line is the file's last and not readable (yet). */
  #take(index: Index, file: string, bytes: Buffer, offset: number, line: number, last: boolean): boolean {
    if (bytes.length === 0 && !last) return true;
    let value: unknown;
    try {
      value = parseLine(bytes);
    } catch (error) {
      if (last) return false;
      throw this.#foreign(file, line, messageOf(error));
    }
    const record = toRecord(value);
    if (!record) throw this.#foreign(file, line, 'it is not a ledger record');
    if (!this.#has(record.index)) {
      throw this.#foreign(
        file,
        line,
        `prompt ${record.index} is not in this shard (${this.#firstIndex} to ${this.#lastIndex})`,
      );
    }
    addOnce(index, record, { file, offset, length: bytes.length });
    return true;
  }

  #has(index: number): boolean {
    return index >= this.#firstIndex && index <= this.#lastIndex;
  }

  #foreign(file: string, line: number, why: string): ForeignLedgerError {
    return new ForeignLedgerError(
      `${join(this.#folder, file)}: line ${line}: ${why}. ` +
        'Nothing was changed. Move this file, or take that line out of it, then resume the batch.',
    );
  }
}

function addOnce({ prompts, ended, seen }: Index, record: LedgerRecord, location: RecordLocation): void {
  if (seen.has(record.id)) return;
  seen.add(record.id);
  const history = withRecord(prompts.get(record.index) ?? NO_HISTORY, record, location);
  prompts.set(record.index, history);
  if (record.type !== 'settled' && record.type !== 'reopened') return;
  if (endOf(history)) ended.add(record.index);
  else ended.delete(record.index);
}
