import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { AnswerRecord, FaultRecord, LedgerRecord, SettledRecord, StartRecord } from './records.ts';

/** A ledger file holds a line that is not this batch's. Names the file and the line. */
export class ForeignLedgerError extends Error {
  override readonly name = 'ForeignLedgerError';
}

/** An answer without its texts, and where to read them. */
export interface AnswerMeta extends Omit<AnswerRecord, 'choices'> {
  choices: { sample: number; finishReason: string; blank: boolean }[];
  location: { file: string; offset: number; length: number };
}

/** All that the ledger holds on one prompt, in the order it was read. */
export interface PromptHistory {
  starts: StartRecord[];
  answers: AnswerMeta[];
  faults: FaultRecord[];
  settled: SettledRecord[];
}

const key = {
  id: z.string(),
  at: z.string(),
  index: z.int().min(0),
  run: z.int(),
  turn: z.int(),
  attempt: z.int(),
};
const recordSchema = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('start'), ...key, samples: z.array(z.int()), worker: z.string() }),
  z.looseObject({
    type: z.literal('answer'),
    ...key,
    start: z.string(),
    choices: z.array(z.looseObject({ sample: z.int(), text: z.string(), finishReason: z.string() })),
  }),
  z.looseObject({
    type: z.literal('fault'),
    ...key,
    start: z.string(),
    failure: z.string(),
    message: z.string(),
  }),
  z.looseObject({
    type: z.literal('settled'),
    ...key,
    status: z.enum(['succeeded', 'failed']),
    answers: z.array(z.string()),
  }),
]);

const NEWLINE = 0x0a;
const CHUNK_BYTES = 1 << 20;
const EMPTY: PromptHistory = Object.freeze({ starts: [], answers: [], faults: [], settled: [] });

/**
 * Reads all ledger files of one shard and keeps an index of them without the texts. `refresh` reads
 * only what was appended since the last time, by whomever. A torn last line is left out (and read
 * once it is whole), a record that appears twice counts once, any other unreadable line is an error.
 */
export class LedgerReader {
  readonly #folder: string;
  readonly #firstIndex: number;
  readonly #lastIndex: number;
  readonly #prompts = new Map<number, PromptHistory>();
  readonly #seen = new Set<string>();
  readonly #files = new Map<string, { offset: number; line: number }>();
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | null = null;

  /** `firstIndex` to `lastIndex` are the positions of the shard's prompts in the batch. */
  constructor(folder: string, firstIndex: number, lastIndex: number) {
    this.#folder = folder;
    this.#firstIndex = firstIndex;
    this.#lastIndex = lastIndex;
  }

  history(index: number): PromptHistory {
    return this.#prompts.get(index) ?? EMPTY;
  }

  /** Takes in everything appended before the call. Throws {@link ForeignLedgerError}. */
  refresh(): Promise<void> {
    this.#queued ??= this.#running
      .catch(() => {
        // whoever asked for that refresh was told
      })
      .then(() => {
        this.#queued = null;
        return (this.#running = this.#readAll());
      });
    return this.#queued;
  }

  /** The answer with its texts. */
  async read(answer: AnswerMeta): Promise<AnswerRecord> {
    const file = await open(join(this.#folder, answer.location.file), 'r');
    try {
      const bytes = Buffer.alloc(answer.location.length);
      await readFully(file, bytes, answer.location.offset);
      return JSON.parse(bytes.toString('utf8')) as AnswerRecord;
    } finally {
      await file.close();
    }
  }

  async #readAll(): Promise<void> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    for (const name of names) if (name.endsWith('.jsonl')) await this.#readFile(name);
  }

  async #readFile(name: string): Promise<void> {
    const position = this.#files.get(name) ?? { offset: 0, line: 0 };
    const file = await open(join(this.#folder, name), 'r');
    try {
      const { size } = await file.stat();
      if (size <= position.offset) return;
      for await (const { bytes, offset, last } of linesOf(file, position.offset, size)) {
        const taken = this.#take(name, bytes, offset, position.line + 1, last);
        if (!taken) break;
        position.offset = offset + bytes.length + 1;
        position.line++;
      }
      this.#files.set(name, position);
    } finally {
      await file.close();
    }
  }

  /** False if the line is the file's last and not readable (yet). */
  #take(file: string, bytes: Buffer, offset: number, line: number, last: boolean): boolean {
    if (bytes.length === 0 && !last) return true;
    let value: unknown;
    try {
      value = JSON.parse(bytes.toString('utf8'));
    } catch {
      if (last) return false;
      throw this.#foreign(file, line, `it is not JSON: ${excerpt(bytes)}`);
    }
    const parsed = recordSchema.safeParse(value);
    if (!parsed.success) throw this.#foreign(file, line, `it is not a ledger record: ${excerpt(bytes)}`);
    const record = parsed.data as unknown as LedgerRecord;
    if (record.index < this.#firstIndex || record.index > this.#lastIndex) {
      throw this.#foreign(
        file,
        line,
        `prompt ${record.index} is not in this shard (${this.#firstIndex} to ${this.#lastIndex})`,
      );
    }
    if (!this.#seen.has(record.id)) {
      this.#seen.add(record.id);
      this.#file(record, { file, offset, length: bytes.length });
    }
    return true;
  }

  #file(record: LedgerRecord, location: AnswerMeta['location']): void {
    let history = this.#prompts.get(record.index);
    if (!history) {
      history = { starts: [], answers: [], faults: [], settled: [] };
      this.#prompts.set(record.index, history);
    }
    if (record.type === 'start') history.starts.push(record);
    else if (record.type === 'fault') history.faults.push(record);
    else if (record.type === 'settled') history.settled.push(record);
    else {
      const choices = record.choices.map(({ sample, finishReason, text }) => ({
        sample,
        finishReason,
        blank: text.trim() === '',
      }));
      history.answers.push({ ...record, choices, location });
    }
  }

  #foreign(file: string, line: number, why: string): ForeignLedgerError {
    return new ForeignLedgerError(
      `${join(this.#folder, file)}: line ${line}: ${why}. ` +
        'Nothing was changed. Move this file, or take that line out of it, then resume the batch.',
    );
  }
}

/** The lines of `file` between two offsets. The last one may have no newline at its end. */
async function* linesOf(
  file: FileHandle,
  from: number,
  to: number,
): AsyncGenerator<{ bytes: Buffer; offset: number; last: boolean }> {
  let rest = Buffer.alloc(0);
  let restOffset = from;
  for (let at = from; at < to;) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, to - at));
    await readFully(file, chunk, at);
    at += chunk.length;
    const buffer = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let start = 0;
    for (let end = buffer.indexOf(NEWLINE); end >= 0; end = buffer.indexOf(NEWLINE, start)) {
      const offset = restOffset + start;
      yield { bytes: buffer.subarray(start, end), offset, last: offset + (end - start) + 1 >= to };
      start = end + 1;
    }
    rest = buffer.subarray(start);
    restOffset += start;
  }
  if (rest.length > 0) yield { bytes: rest, offset: restOffset, last: true };
}

async function readFully(file: FileHandle, into: Buffer, position: number): Promise<void> {
  for (let read = 0; read < into.length;) {
    const { bytesRead } = await file.read(into, read, into.length - read, position + read);
    if (bytesRead === 0) throw new Error(`the ledger file became shorter while it was read`);
    read += bytesRead;
  }
}

const excerpt = (bytes: Buffer): string => JSON.stringify(bytes.toString('utf8').slice(0, 60));
