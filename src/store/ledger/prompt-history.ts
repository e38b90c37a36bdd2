/** What the ledger holds on one prompt, in memory: pure. */
import {
  type AnswerRecord,
  compareMoments,
  type FaultRecord,
  type LedgerRecord,
  type Moment,
  type ReopenedRecord,
  type SettledRecord,
  type StartRecord,
} from './records.ts';

/** Where a record's line stands, without its line feed; in bytes. */
export interface RecordLocation {
  file: string;
  offset: number;
  length: number;
}

/** An answer without its texts, and where to read them. */
export interface AnswerMeta extends Omit<AnswerRecord, 'choices'> {
  choices: { sample: number; finishReason: string; blank: boolean }[];
  location: RecordLocation;
}

/** All that the ledger holds on one prompt, each kind oldest first. It never changes: one more record makes another one. */
export interface PromptHistory {
  readonly starts: readonly StartRecord[];
  readonly answers: readonly AnswerMeta[];
  readonly faults: readonly FaultRecord[];
  readonly settled: readonly SettledRecord[];
  readonly reopened: readonly ReopenedRecord[];
}

export const NO_HISTORY: PromptHistory = {
  starts: [],
  answers: [],
  faults: [],
  settled: [],
  reopened: [],
};

/** `location` matters for answers only. */
export function withRecord(
  history: PromptHistory,
  record: LedgerRecord,
  location: RecordLocation,
): PromptHistory {
  switch (record.type) {
    case 'start':
      return { ...history, starts: inOrder(history.starts, record) };
    case 'answer':
      return { ...history, answers: inOrder(history.answers, toAnswerMeta(record, location)) };
    case 'fault':
      return { ...history, faults: inOrder(history.faults, record) };
    case 'settled':
      return { ...history, settled: inOrder(history.settled, record) };
    default:
      return { ...history, reopened: inOrder(history.reopened, record) };
  }
}

const NOWHERE: RecordLocation = { file: '', offset: 0, length: 0 };

/** With a request that has just been answered, before its records are on a disk. */
export const withAnswer = (history: PromptHistory, start: StartRecord, answer: AnswerRecord): PromptHistory =>
  withRecord(withRecord(history, start, NOWHERE), answer, NOWHERE);

/** Nearly all records come in their order. */
function inOrder<R extends Moment>(records: readonly R[], record: R): readonly R[] {
  const last = records.at(-1);
  const all = [...records, record];
  return last && compareMoments(last, record) > 0 ? all.sort(compareMoments) : all;
}

/** What is kept of an answer in memory. */
function toAnswerMeta(record: AnswerRecord, location: RecordLocation): AnswerMeta {
  const choices = record.choices.map(({ sample, finishReason, text }) => ({
    sample,
    finishReason,
    blank: text.trim() === '',
  }));
  return { ...record, choices, location };
}
