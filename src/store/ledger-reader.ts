import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { linesOf, readFully } from './lines.ts';
import {
  type AnswerRecord,
  compareMoments,
  type FaultRecord,
  type LedgerRecord,
  type ReopenedRecord,
  type SettledRecord,
  type StartRecord,
} from './records.ts';

/** A ledger file holds a line that is not this batch's. Names the file and the line. */
export class ForeignLedgerError extends Error {
  override readonly name = 'ForeignLedgerError';
}

/** An answer without its texts, and where to read them. */
export interface AnswerMeta extends Omit<AnswerRecord, 'choices'> {
  choices: { sample: number; finishReason: string; blank: boolean }[];
  location: { file: string; offset: number; length: number };
}

/** All that the ledger holds on one prompt, oldest first. */
export interface PromptHistory {
  starts: StartRecord[];
  answers: AnswerMeta[];
  faults: FaultRecord[];
  settled: SettledRecord[];
  reopened: ReopenedRecord[];
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
  z.looseObject({ type: z.literal('reopened'), ...key }),
]);

/** What was read so far. */
interface Index {
  prompts: Map<number, PromptHistory>;
  seen: Set<string>;
  /** How far each file was read, in bytes and lines. */
  files: Map<string, { offset: number; line: number }>;
}
const newIndex = (): Index => ({ prompts: new Map(), seen: new Set(), files: new Map() });

/**
 * Reads all ledger files of one shard and keeps an index of them without the texts. `refresh` reads
 * only what was appended since the last time, by whomever. A torn last line is left out (and read
 * once it is whole), a record that appears twice counts once, any other unreadable line is an error.
 * After an error, or once a file was taken away or cut, everything is read anew: nothing may count
 * that is not there.
 */
export class LedgerReader {
  readonly #folder: string;
  readonly #firstIndex: number;
  readonly #lastIndex: number;
  #index = newIndex();
  /** Somebody has to mend a file: what was read of it may stand elsewhere afterwards. */
  #failed = false;
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | null = null;

  /** `firstIndex` to `lastIndex` are the positions of the shard's prompts in the batch. */
  constructor(folder: string, firstIndex: number, lastIndex: number) {
    this.#folder = folder;
    this.#firstIndex = firstIndex;
    this.#lastIndex = lastIndex;
  }

  history(index: number): PromptHistory {
    const read = this.#index.prompts.get(index);
    return {
      starts: (read?.starts ?? []).toSorted(compareMoments),
      answers: (read?.answers ?? []).toSorted(compareMoments),
      faults: (read?.faults ?? []).toSorted(compareMoments),
      settled: (read?.settled ?? []).toSorted(compareMoments),
      reopened: (read?.reopened ?? []).toSorted(compareMoments),
    };
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
    const ledgers = names.filter((name) => name.endsWith('.jsonl'));
    const index = !this.#failed && (await this.#isWhole()) ? this.#index : newIndex();
    this.#failed = true;
    for (const name of ledgers) await this.#readFile(index, name);
    this.#failed = false;
    this.#index = index;
  }

  /** Whether all that was read is still there. */
  async #isWhole(): Promise<boolean> {
    for (const [name, { offset }] of this.#index.files) {
      const size = await stat(join(this.#folder, name)).then(
        (found) => found.size,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return -1;
          throw error;
        },
      );
      // A last record may have been read before its line feed was written.
      if (size < offset - 1) return false;
    }
    return true;
  }

  async #readFile(index: Index, name: string): Promise<void> {
    const position = index.files.get(name) ?? { offset: 0, line: 0 };
    index.files.set(name, position);
    const file = await open(join(this.#folder, name), 'r');
    try {
      const { size } = await file.stat();
      if (size <= position.offset) return;
      for await (const { bytes, offset, last } of linesOf(file, position.offset, size)) {
        const taken = this.#take(index, name, bytes, offset, position.line + 1, last);
        if (!taken) break;
        position.offset = offset + bytes.length + 1;
        position.line++;
      }
    } finally {
      await file.close();
    }
  }

  /** False if the line is the file's last and not readable (yet). */
  #take(index: Index, file: string, bytes: Buffer, offset: number, line: number, last: boolean): boolean {
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
    if (!index.seen.has(record.id)) {
      index.seen.add(record.id);
      addTo(index, record, { file, offset, length: bytes.length });
    }
    return true;
  }

  #foreign(file: string, line: number, why: string): ForeignLedgerError {
    return new ForeignLedgerError(
      `${join(this.#folder, file)}: line ${line}: ${why}. ` +
        'Nothing was changed. Move this file, or take that line out of it, then resume the batch.',
    );
  }
}

function addTo({ prompts }: Index, record: LedgerRecord, location: AnswerMeta['location']): void {
  let history = prompts.get(record.index);
  if (!history) {
    history = { starts: [], answers: [], faults: [], settled: [], reopened: [] };
    prompts.set(record.index, history);
  }
  if (record.type === 'start') history.starts.push(record);
  else if (record.type === 'fault') history.faults.push(record);
  else if (record.type === 'settled') history.settled.push(record);
  else if (record.type === 'reopened') history.reopened.push(record);
  else {
    const choices = record.choices.map(({ sample, finishReason, text }) => ({
      sample,
      finishReason,
      blank: text.trim() === '',
    }));
    history.answers.push({ ...record, choices, location });
  }
}

const excerpt = (bytes: Buffer): string => JSON.stringify(bytes.toString('utf8').slice(0, 60));
