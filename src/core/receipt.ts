/** What a prompt cost, and how it ended: small enough to cross Temporal, without texts. */
import { type Is, isFinite, isLike, isRecordOf, isWhole, orNull } from './shape.ts';

/** Tokens as the provider counted them. `cached` is part of `prompt`, `reasoning` part of `completion`. */
export interface Usage {
  prompt: number;
  completion: number;
  total: number;
  cached: number;
  reasoning: number;
}

/** What was paid: `costNanoUsd` is `null` as soon as one price or one usage in it is unknown. */
export interface Paid {
  usage: Usage;
  /** Integer billionths of a US dollar. */
  costNanoUsd: number | null;
}

export type FailureType =
  | 'Completion.Fault'
  | 'Completion.Unavailable'
  | 'Completion.Rejected'
  | 'Completion.AccountBlocked'
  | 'Completion.Empty'
  | 'Completion.Truncated'
  | 'Completion.WorkerLost'
  /** Of a request, never of a prompt: ended by us, and not counted against its prompt. */
  | 'Completion.Aborted';

/** Failed prompts by the type of their failure; a type without any is left out. */
export type FailureCounts = Partial<Record<FailureType, number>>;

export interface PromptError {
  type: FailureType;
  message: string;
  /** Requests made for this prompt, over all runs. */
  attempts: number;
}

/** The small result of a prompt that crosses Temporal: never a text. */
export interface Receipt {
  status: 'succeeded' | 'failed';
  /** Ids of the ledger's answer records that this prompt's completions come from. */
  answers: string[];
  paid: Paid;
  /** Known and possibly paid, over all runs, in integer nano-USD; `null` where a price is unknown. */
  spentNanoUsd: number | null;
  /** Sum over the prompt's requests. */
  latencyMs: number;
  error?: PromptError;
  /** Under a cost cap: its last answer cost more than its request could by price and token limit, in words. */
  overcharged?: string;
}

/** The prompt goes back to its batch: its allowance does not reach for its next request, or the batch was paused before it began. */
export interface Unsettled {
  status: 'unsettled';
  /** As in {@link Receipt}. */
  spentNanoUsd: number | null;
  /** What its missing completions can cost at most; `null` where the price is unknown. */
  worstCostNanoUsd: number | null;
}

/** Whether a value from outside has the form of {@link Paid}. */
export const isPaid: Is = isLike({
  usage: isLike({
    prompt: isFinite,
    completion: isFinite,
    total: isFinite,
    cached: isFinite,
    reasoning: isFinite,
  }),
  costNanoUsd: orNull(isFinite),
});

/** Whether a value from outside has the form of {@link FailureCounts}. */
export const isFailureCounts: Is = isRecordOf(isWhole());
