/** What the ledger says became of a prompt, in the form the reports need. */
import type { Paid, PromptError, PromptItem, Usage } from '../contract.ts';
import type { FaultRecord } from './records.ts';

export interface Completion {
  sample: number;
  text: string;
  reasoning?: string;
  finishReason: string;
  truncated: boolean;
  /** Usage of the request; `null` on the further samples of a response that held several, so that sums are right. */
  usage: Usage | null;
  latencyMs: number;
  model: string;
  requestId: string | null;
  at: string;
  /** Which request for this prompt it was, from 1, over all runs. */
  attempt: number;
}

export interface PromptOutcome {
  item: PromptItem;
  /** `open`: not settled yet, in a batch that runs (reports show it as `pending`). */
  status: 'succeeded' | 'failed' | 'not_run' | 'pending';
  completions: Completion[];
  /** Everything paid for this prompt, discarded and failed answers included. */
  paid: Paid;
  error: PromptError | null;
  faults: FaultRecord[];
}
