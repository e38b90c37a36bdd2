/** When a prompt is over, and what is said of it: pure, decided from the ledger alone. */
import type { PromptError, Receipt } from '../core/receipt.ts';
import type { PromptHistory } from '../store/ledger/prompt-history.ts';
import type { SettledRecord } from '../store/ledger/records.ts';
import type { PromptTurn } from './prompt-turn.ts';
import { inTurnsOf, type PromptState } from '../store/ledger/prompt-state.ts';

/** A prompt whose worker died under it this often in a row is taken for the cause. */
export const MAX_LOST_WORKERS = 5;

type End = Pick<SettledRecord, 'status' | 'answers' | 'error'>;

/** `null` while there is something left to buy. */
export function promptEnd(
  promptState: PromptState,
  history: PromptHistory,
  task: Pick<PromptTurn, 'run' | 'turn' | 'since' | 'limits'>,
): End | null {
  const answers = [...new Set(promptState.chosen.map(({ answer }) => answer.id))];
  if (promptState.missing.length === 0) return { status: 'succeeded', answers };
  const error = failure(promptState, history, task);
  return error && { status: 'failed', answers, error: { ...error, attempts: promptState.requests } };
}

function failure(
  { spoiled, ownFaults, lostInARow }: PromptState,
  { faults }: PromptHistory,
  { limits, ...present }: Pick<PromptTurn, 'run' | 'turn' | 'since' | 'limits'>,
): Pick<PromptError, 'type' | 'message'> | null {
  if (spoiled) return spoiledError(spoiled);
  const ofTurn = faults.filter(inTurnsOf(present));
  const rejected = ofTurn.find((fault) => fault.failure === 'Completion.Rejected');
  if (rejected) return { type: 'Completion.Rejected', message: rejected.message };
  if (ownFaults >= limits.maxAttempts) {
    const last = ofTurn.findLast((fault) => fault.failure === 'Completion.Fault');
    if (last) return { type: 'Completion.Fault', message: last.message };
    return { type: 'Completion.Empty', message: `${ownFaults} answers in a row came back without text` };
  }
  if (lostInARow >= MAX_LOST_WORKERS) {
    return {
      type: 'Completion.WorkerLost',
      message: `the worker died ${lostInARow} times in a row while it asked for this prompt`,
    };
  }
  return null;
}

function spoiledError({
  finishReason,
  sample,
  blank,
}: NonNullable<PromptState['spoiled']>): Pick<PromptError, 'type' | 'message'> {
  if (finishReason !== 'stop' && finishReason !== 'length') {
    return { type: 'Completion.Rejected', message: `sample ${sample} ended with "${finishReason}"` };
  }
  if (!blank) {
    return { type: 'Completion.Truncated', message: `sample ${sample} was cut off at max_tokens` };
  }
  const why =
    finishReason === 'length' ? ' (all of max_tokens went into something else, such as reasoning)' : '';
  return { type: 'Completion.Empty', message: `sample ${sample} came back without text${why}` };
}

/** Of a settled prompt. */
export function receiptOf({ settled, chosen, paid }: PromptState, spentNanoUsd: number | null): Receipt {
  if (!settled) throw new Error('a prompt that is not settled has no receipt');
  const latency = new Map(chosen.map(({ answer }) => [answer.id, answer.latencyMs]));
  return {
    status: settled.status,
    answers: settled.answers,
    paid,
    spentNanoUsd,
    latencyMs: [...latency.values()].reduce((sum, ms) => sum + ms, 0),
    ...(settled.error ? { error: settled.error } : {}),
  };
}
