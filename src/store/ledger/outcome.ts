/** What the ledger says became of a prompt, in the form the reports need. */
import type { FailureType, Paid, PromptError, Usage } from '../../core/receipt.ts';
import type { PromptItem } from '../../core/prompt.ts';
import type { PromptBill } from './bill.ts';
import type { AnswerRecord } from './records.ts';

export interface Completion {
  /** Id of the ledger's answer record. */
  recordId: string;
  sample: number;
  text: string;
  reasoning?: string;
  finishReason: string;
  truncated: boolean;
  /** Usage of the request; `null` on the further samples of a response that held several, so that sums are right. */
  usage: Usage | null;
  /** Cost of the request in integer nano-USD; `null` where it is unknown and on those further samples. */
  costNanoUsd: number | null;
  latencyMs: number;
  model: string;
  requestId: string | null;
  at: string;
  /** Which request for this prompt it was, from 1, over all runs; 0 where an earlier batch made it. */
  attempt: number;
  /** The earlier batch that paid for it. */
  reused?: NonNullable<AnswerRecord['reused']>;
}

/** An answer that this batch paid for. */
export interface BoughtAnswer extends Pick<
  AnswerRecord,
  'id' | 'at' | 'model' | 'usage' | 'doubtfulUsage' | 'costNanoUsd' | 'price'
> {
  samples: number[];
  /** What its request could cost at most; `null` or left out: nobody knows. */
  worstCostNanoUsd?: number | null;
  /** At least one completion of it is used. */
  kept: boolean;
}

/** A choice of an answer that this batch paid for and does not use. */
export interface DiscardedChoice {
  sample: number;
  text: string;
  reasoning?: string;
  finishReason: string;
  why: string;
}

/** The unused choices of an answer: all of them, or, if one is a completion, the others. */
export interface DiscardedAnswer extends Pick<
  AnswerRecord,
  'id' | 'at' | 'model' | 'usage' | 'costNanoUsd' | 'latencyMs' | 'requestId'
> {
  choices: DiscardedChoice[];
  /** Which request for this prompt it was, from 1, over all runs; 0 where a power cut took the record of its start. */
  attempt: number;
  /** ISO 8601, UTC; `null` while the prompt is open. */
  discardedAt: string | null;
}

/** One request and how it ended. */
export interface RequestEntry {
  /** Id of the record that tells its end; of its start where it has none. */
  recordId: string;
  /** When it was sent. */
  at: string;
  run: number;
  attempt: number;
  outcome: 'answer' | 'fault' | 'lost';
  type: FailureType | null;
  /** HTTP status of a fault that has one. */
  status: number | null;
  message: string;
  requestId: string | null;
  /** How long the prompt was then made to wait. */
  delayMs: number | null;
}

export interface PromptOutcome {
  item: PromptItem;
  /** `pending`: not settled yet, in a batch that runs. */
  status: 'succeeded' | 'failed' | 'not_run' | 'pending';
  completions: Completion[];
  /** Everything paid for this prompt, discarded and failed answers included. */
  paid: Paid;
  bill: PromptBill;
  /** Everything `paid` is the sum of. */
  answers: BoughtAnswer[];
  /** What was paid and is among no completions, with its texts. */
  discarded: DiscardedAnswer[];
  error: PromptError | null;
  /** In the order they were sent, over all runs. */
  requests: RequestEntry[];
  /** Its newest record of each run, ISO 8601. */
  lastRecordAt: ReadonlyMap<number, string>;
}
