import { randomUUID } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaultRecord, LedgerRecord, StartRecord } from './records.ts';
import { makeFolder, syncFolder } from '../../system/files/sync-folder.ts';
import { PRIVATE_FILE } from '../../system/files/private-mode.ts';

/** What is unsaved after a full disk may be more than fits into one string. */
const PIECE_CHARACTERS = 16 * 1024 * 1024;

/** A ledger record could not be written. Unless it is a start, it is kept in memory and written before any later one. */
export class LedgerWriteError extends Error {
  override readonly name = 'LedgerWriteError';
}

/** A record that a writer has put on disk (a durable one: synced), and where. */
export interface WrittenRecord {
  record: LedgerRecord;
  /** Of its line in the file, without the line feed; in bytes. */
  offset: number;
  length: number;
}

/** Who reads what a writer of this process writes, and need not read it back from the file. */
export interface WriterAudience {
  /** It is about to append to its file, which will then be this long. */
  writing(file: string, bytes: number): void;
  /** What that was. */
  wrote(file: string, records: readonly WrittenRecord[]): void;
  /** The writer will not touch that file again; it may hold more than was told, torn at its end. */
  left(file: string): void;
}

interface Line {
  record: LedgerRecord;
  text: string;
}

interface Waiter {
  /** `null`: only what is unsaved is to be written. */
  line: Line | null;
  durable: boolean;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Appends to one worker process's own ledger file of one shard. Records that arrive in one turn of the
 * event loop, or while a write is under way, are written together: many answers, one fsync. After a failed write the file is
 * never touched again, so only the last line of a file can be torn; the records go to a new file.
 */
export class LedgerWriter {
  readonly #folder: string;
  readonly #owner: string;
  readonly #waiting: Waiter[] = [];
  /**
   * Lines whose write failed: answers already paid for, ends, faults that cost nothing. No starts: their requests are not
   * sent. But a failed write may have left some whole, and a fault tells of each that it was not sent.
   */
  readonly #unsaved: Line[] = [];
  readonly #audience: WriterAudience | null;
  readonly #pieceCharacters: number;
  #file: { name: string; handle: FileHandle; size: number } | null = null;
  /** The writing that is under way; `null`: none is. */
  #draining: Promise<void> | null = null;
  #written = 0;
  /** The file holds lines that were not synced. */
  #unsynced = false;

  /** `owner` names the file: it must be unique to this process. A write has `pieceCharacters` at most, or one line. */
  constructor(
    folder: string,
    owner: string,
    audience: WriterAudience | null = null,
    pieceCharacters = PIECE_CHARACTERS,
  ) {
    this.#folder = folder;
    this.#owner = owner;
    this.#audience = audience;
    this.#pieceCharacters = pieceCharacters;
  }

  /** Paid answers that were handed over and are on no disk yet. */
  get unsaved(): number {
    return this.#unsaved.filter(({ record }) => record.type === 'answer').length;
  }

  /** Records of any kind were handed over and are on no disk yet. */
  get hasUnsaved(): boolean {
    return this.#unsaved.length > 0;
  }

  /** Records it has put on disk so far. */
  get written(): number {
    return this.#written;
  }

  /**
   * Written, and with `durable` synced, when it resolves; all but a start that is not durable are then known to the audience.
   * Throws {@link LedgerWriteError}.
   */
  append(record: LedgerRecord, options: { durable: boolean }): Promise<void> {
    return this.#enqueue(lineOf(record), options.durable);
  }

  /** Syncs the starts that are written and not synced yet: a network file system shows them to other machines only then. Throws {@link LedgerWriteError}. */
  async syncStarts(): Promise<void> {
    if (this.#unsynced) await this.#enqueue(null, true);
  }

  /** Tries again what an earlier failure left in memory. Throws {@link LedgerWriteError}. */
  async saveUnsaved(): Promise<void> {
    if (this.hasUnsaved) await this.#enqueue(null, true);
  }

  /** Waits for what is being written, however long the disk takes, and closes the file. What is unsaved stays in memory. */
  async close(): Promise<void> {
    while (this.#draining) await this.#draining;
    await this.#leaveFile();
  }

  #enqueue(line: Line | null, durable: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line, durable, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // What arrives in this turn of the event loop goes with it.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0);
      try {
        await this.#write(group);
        for (const waiter of group) waiter.resolve();
      } catch (cause) {
        this.#unsaved.push(...group.flatMap(({ line }) => (line && isKept(line) ? [line] : [])));
        const error = new LedgerWriteError(
          `cannot write the ledger in ${this.#folder}: ${cause instanceof Error ? cause.message : String(cause)}`,
          { cause },
        );
        for (const waiter of group) waiter.reject(error);
      }
    }
    this.#draining = null;
  }

  async #write(group: readonly Waiter[]): Promise<void> {
    const lines = [...this.#unsaved, ...group.flatMap(({ line }) => line ?? [])];
    if (lines.length === 0 && !this.#unsynced) return;
    const file = (this.#file ??= await this.#openFile());
    let isSent = (_waiter: Waiter): boolean => false;
    try {
      let end = file.size;
      for (const piece of piecesOf(lines, this.#pieceCharacters)) {
        const bytes = Buffer.from(piece);
        end += bytes.length;
        this.#audience?.writing(file.name, end);
        for (let written = 0; written < bytes.length;) {
          written += (await file.handle.write(bytes, written)).bytesWritten;
        }
      }
      // A request need not wait for the others' fsync: nobody decides by its start before it has an end.
      for (const { line, durable, resolve } of group)
        if (line?.record.type === 'start' && !durable) resolve();
      isSent = ({ durable }) => !durable;
      this.#unsynced = true;
      if (this.hasUnsaved || group.some((waiter) => waiter.durable)) {
        await file.handle.datasync();
        this.#unsynced = false;
      }
    } catch (error) {
      this.#unsaved.push(...group.filter((waiter) => !isSent(waiter)).flatMap(unsentOf));
      await this.#leaveFile().catch(() => {
        // the write's own error is the one to tell
      });
      throw error;
    }
    this.#unsaved.length = 0;
    this.#written += lines.length;
    const written = lines.map(({ record, text }) => {
      const at = { record, offset: file.size, length: Buffer.byteLength(text) };
      file.size += at.length + 1;
      return at;
    });
    this.#audience?.wrote(file.name, written);
  }

  async #openFile(): Promise<{ name: string; handle: FileHandle; size: number }> {
    await makeFolder(this.#folder);
    const name = `${this.#owner}-${randomUUID().slice(0, 8)}.jsonl`;
    const handle = await open(join(this.#folder, name), 'ax', PRIVATE_FILE);
    try {
      await syncFolder(this.#folder);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return { name, handle, size: 0 };
  }

  async #leaveFile(): Promise<void> {
    const file = this.#file;
    if (!file) return;
    this.#file = null;
    this.#unsynced = false;
    this.#audience?.left(file.name);
    await file.handle.close();
  }
}

/** A fault that no disk takes is not forgotten: without it, a request that cost nothing would be one that may have been paid. */
const isKept = ({ record }: Line): boolean => record.type !== 'start';

/** Tells of a start whose write failed: what of it is on disk is no request that may have been paid. */
function unsentOf({ line }: Waiter): Line[] {
  return line?.record.type === 'start' ? [lineOf(unsent(line.record))] : [];
}

const unsent = ({ id: start, at, index, run, turn, attempt }: StartRecord): FaultRecord => ({
  ...{ type: 'fault', id: randomUUID(), at, index, run, turn, attempt, start },
  failure: 'Completion.Aborted',
  status: null,
  message: 'not sent: the ledger could not be written',
  requestId: null,
  retryDelayMs: null,
  possiblyPaid: false,
});

/** The lines as texts of at most `most` characters, or of one line. */
function* piecesOf(lines: readonly Line[], most: number): Generator<string> {
  let piece = '';
  for (const { text } of lines) {
    if (piece !== '' && piece.length + text.length >= most) {
      yield piece;
      piece = '';
    }
    piece += `${text}\n`;
  }
  if (piece !== '') yield piece;
}

const lineOf = (record: LedgerRecord): Line => ({ record, text: JSON.stringify(record) });
