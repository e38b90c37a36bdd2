/** Copies of answers that other batches bought: what is written to the ledger of the batch that reuses them. */
import { type Origin, originOf } from './answer-index.ts';
import { BlockReader } from '../../system/files/block-reader.ts';
import type { RecordLocation } from '../ledger/prompt-history.ts';
import { toRecord } from '../ledger/record-schema.ts';
import type { AnswerRecord } from '../ledger/records.ts';
import { parseLine } from '../parse-line.ts';

/** An answer that is to be copied: where it is, and which prompt it is for. */
export interface AnswerCopy {
  /** Position of the prompt in the batch that reuses it. */
  index: number;
  sample: number;
  /** Which sample of the record it is. */
  from: number;
  origin: Origin;
  /** Token limit of the request that was bought; `null`: not on record. */
  maxTokens: number | null;
  /** The batch that it is taken from. */
  batchId: string;
  /** Ledger folder of the shard that has the record. */
  ledgerFolder: string;
  location: RecordLocation;
}

/** Answers held in memory at most, in characters and records: enough to write many together. */
const HELD_CHARACTERS = 4_000_000;
const HELD_RECORDS = 2000;

export interface CopyOptions {
  now: Date;
  write(records: readonly AnswerRecord[]): Promise<void>;
  /** Called for an answer that cannot be read; without it, that is an error. */
  onLost?(copy: AnswerCopy, error: unknown): void;
}

/** Reads answers and hands on their records for the new ledger, many at a time. */
export async function copyAnswers(
  copies: AsyncIterable<AnswerCopy> | Iterable<AnswerCopy>,
  { now, write, onLost }: CopyOptions,
): Promise<void> {
  let texts = new BlockReader('');
  let folder = '';
  let held: AnswerRecord[] = [];
  let characters = 0;
  for await (const copy of copies) {
    if (folder !== copy.ledgerFolder) texts = new BlockReader(copy.ledgerFolder);
    folder = copy.ledgerFolder;
    let record: AnswerRecord;
    try {
      record = await readCopy(copy, texts, now);
    } catch (error) {
      if (!onLost) throw error;
      onLost(copy, error);
      continue;
    }
    held.push(record);
    for (const { text, reasoning = '' } of record.choices) characters += text.length + reasoning.length;
    if (held.length < HELD_RECORDS && characters < HELD_CHARACTERS) continue;
    await write(held);
    held = [];
    characters = 0;
  }
  if (held.length > 0) await write(held);
}

/** Its id is made from where the answer came from first, so that a line that is written twice counts once. */
async function readCopy(
  { index, sample, from, origin, maxTokens, batchId, location: { file, offset, length } }: AnswerCopy,
  texts: BlockReader,
  now: Date,
): Promise<AnswerRecord> {
  const bytes = await texts.read(file, offset, length);
  const record = toRecord(parseLine(bytes));
  if (record?.type !== 'answer') throw new Error(`${file} holds no answer at byte ${offset}`);
  const found = originOf(record, from);
  const choice = record.choices.find((each) => each.sample === from);
  if (!choice || found.answer !== origin.answer || found.sample !== origin.sample)
    throw new Error(`${file} holds another record at byte ${offset}`);
  const { id, reused, at, latencyMs, model, requestId, usage, costNanoUsd } = record;
  return {
    type: 'answer',
    id: `reused-${origin.answer}-${origin.sample}-${index}-${sample}`,
    at: now.toISOString(),
    index,
    run: 0,
    turn: 0,
    attempt: 0,
    start: '',
    choices: [{ ...choice, sample }],
    usage: null,
    costNanoUsd: 0,
    cacheSavingNanoUsd: 0,
    price: null,
    latencyMs,
    model,
    requestId,
    reused: {
      ...(reused ?? { batchId, answer: id, usage, costNanoUsd }),
      sample: origin.sample,
      at: reused?.at ?? at,
      ...(maxTokens !== null && { maxTokens }),
    },
  };
}
