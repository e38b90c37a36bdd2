/** The ledger's records: one JSON line each, appended, never changed. */
import type { FailureType, PromptError, Usage } from '../../core/receipt.ts';
import type { Price } from '../../core/settings.ts';

interface RecordBase {
  /** Unique over all ledgers. A line that appears twice is one record. */
  id: string;
  /** ISO 8601, UTC. */
  at: string;
  /** Position of the prompt in the batch, from 0. */
  index: number;
  run: number;
  turn: number;
  attempt: number;
}

/** A request is about to be sent. Not synced: it survives every kill, a power cut may hide the last ones. */
export interface StartRecord extends RecordBase {
  type: 'start';
  samples: number[];
  /** Identity of the worker's process. */
  worker: string;
  /** What the request can cost at most; `null` where the price is unknown. */
  worstCostNanoUsd: number | null;
  /** How many times the worst case by price and token limit that is, after a request cost more than its own. Default: 1. */
  raise?: number;
  /** After this time the request is given up. Absent in ledgers of before: that of its run's limits. */
  requestTimeoutMs?: number;
}

export interface AnswerChoice {
  sample: number;
  text: string;
  reasoning?: string;
  finishReason: string;
}

/** All choices of one response. Synced before anyone hears of it. */
export interface AnswerRecord extends RecordBase {
  type: 'answer';
  /** Id of the request's start record. */
  start: string;
  choices: AnswerChoice[];
  /** Usage of the whole response: summed once per record, not once per choice. */
  usage: Usage | null;
  /** What the provider counted, where that cannot be true of these choices: `usage` is then `null`. */
  doubtfulUsage?: Usage;
  costNanoUsd: number | null;
  /** What the cached part of the input made cheaper. */
  cacheSavingNanoUsd: number | null;
  /** What `costNanoUsd` was computed with; `null` where it is unknown. */
  price: Price | null;
  latencyMs: number;
  model: string;
  requestId: string | null;
  /** Bought by an earlier batch: `usage` is then `null` and `costNanoUsd` 0, since nothing was paid here. */
  reused?: ReusedFrom;
}

/** The batch that bought an answer, and its record there, whatever copies lie between. */
export interface ReusedFrom {
  batchId: string;
  answer: string;
  /** Which sample of that record it is; absent in ledgers of version 0.1.0: the same as here. */
  sample?: number;
  /** When it was answered, ISO 8601, UTC; absent in ledgers of version 0.1.0. */
  at?: string;
  /** Token limit of the request. Absent: that of the prompt in ledgers of version 0.1.0, else unknown. */
  maxTokens?: number;
  usage: Usage | null;
  costNanoUsd: number | null;
}

/** A request came back without an answer. */
export interface FaultRecord extends RecordBase {
  type: 'fault';
  start: string;
  failure: FailureType;
  /** HTTP status, where there was a response. */
  status: number | null;
  message: string;
  requestId: string | null;
  /** How long the provider, or the backoff, made the prompt wait. */
  retryDelayMs: number | null;
  /** No HTTP error status, or that of a gateway that gave up waiting: the provider may have answered, and billed, what never arrived. */
  possiblyPaid: boolean;
}

/** A prompt's end: which answers its receipt names. The one of the highest (run, turn, attempt) counts. */
export interface SettledRecord extends RecordBase {
  type: 'settled';
  status: 'succeeded' | 'failed';
  answers: string[];
  error?: PromptError;
}

/** A failed prompt is to be asked again: what was settled before counts no more, its usable answers still do. */
export interface ReopenedRecord extends RecordBase {
  type: 'reopened';
}

export type LedgerRecord = StartRecord | AnswerRecord | FaultRecord | SettledRecord | ReopenedRecord;

/** Orders records by run, turn and attempt; by the clock only within one attempt. */
export const compareMoments = (a: Moment, b: Moment): number =>
  a.run - b.run || a.turn - b.turn || a.attempt - b.attempt || (a.at < b.at ? -1 : a.at > b.at ? 1 : 0);

export type Moment = Pick<RecordBase, 'run' | 'turn' | 'attempt' | 'at'>;
