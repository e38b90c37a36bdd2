import type { LedgerReader } from '../../../src/store/ledger/ledger-reader.ts';
import { NO_HISTORY, type PromptHistory, withRecord } from '../../../src/store/ledger/prompt-history.ts';
import type {
  AnswerRecord,
  FaultRecord,
  LedgerRecord,
  SettledRecord,
  StartRecord,
} from '../../../src/store/ledger/records.ts';

const base = { index: 0, run: 1, turn: 1, attempt: 1, at: '2026-01-01T00:00:00.000Z' };
export const usage = { prompt: 10, completion: 5, total: 15, cached: 2, reasoning: 1 };

export const start = (id: string, more: Partial<StartRecord> = {}): StartRecord => ({
  ...base,
  type: 'start',
  id,
  samples: [1],
  worker: 'w',
  worstCostNanoUsd: 100,
  ...more,
});

export const answer = (id: string, more: Partial<AnswerRecord> = {}): AnswerRecord => ({
  ...base,
  type: 'answer',
  id,
  start: `start of ${id}`,
  choices: [{ sample: 1, text: `text of ${id}`, finishReason: 'stop' }],
  usage,
  costNanoUsd: 7,
  cacheSavingNanoUsd: 0,
  price: null,
  latencyMs: 20,
  model: 'm',
  requestId: null,
  ...more,
});

export const fault = (id: string, more: Partial<FaultRecord> = {}): FaultRecord => ({
  ...base,
  type: 'fault',
  id,
  start: `start of ${id}`,
  failure: 'Completion.Fault',
  status: 500,
  message: `message of ${id}`,
  requestId: null,
  retryDelayMs: 1000,
  possiblyPaid: false,
  ...more,
});

export const settled = (id: string, more: Partial<SettledRecord> = {}): SettledRecord => ({
  ...base,
  type: 'settled',
  id,
  status: 'succeeded',
  answers: [],
  ...more,
});

/** What a reader makes of these records, without a file. */
export const historyOf = (...records: LedgerRecord[]): PromptHistory =>
  records.reduce(
    (history, record) => withRecord(history, record, { file: 'f', offset: 0, length: 0 }),
    NO_HISTORY,
  );

/** Every record a reader holds for the prompts 0 to `last`, whole, by id. */
export async function contentOf(reader: LedgerReader, last: number): Promise<LedgerRecord[]> {
  const records: LedgerRecord[] = [];
  for (let index = 0; index <= last; index++) {
    const { starts, answers, faults, settled: ends } = reader.history(index);
    records.push(...starts, ...faults, ...ends);
    for (const one of answers) records.push(await reader.read(one));
  }
  return byId(records);
}

export const byId = (records: readonly LedgerRecord[]): LedgerRecord[] =>
  records.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
