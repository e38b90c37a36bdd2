/** What a batch has come to so far, folded from receipts by pure functions. */
import type { Counts, Paid, Progress, Receipt, ShardPlan } from '../contract.ts';

/** Settle times kept for the rate. */
const RATE_WINDOW = 50;
const LAST_FAILURES = 5;
const LEAST_GAP_MS = 5000;
const GAP_IN_MEANS = 10;

export interface Tally {
  total: number;
  succeeded: number;
  failed: number;
  paid: Paid;
  /** ms since 1970, oldest first. */
  settledAt: readonly number[];
  lastFailures: Progress['lastFailures'];
  /** The one message of all failures so far; `null` once two differ. */
  sameFailure: string | null;
}

export const newTally = (total: number): Tally => ({
  total,
  succeeded: 0,
  failed: 0,
  paid: { usage: { prompt: 0, completion: 0, total: 0, cached: 0, reasoning: 0 }, costNanoUsd: 0 },
  settledAt: [],
  lastFailures: [],
  sameFailure: null,
});

/** Takes in what the ledger of earlier runs already settled. */
export const seeded = (tally: Tally, before: ShardPlan['settled']): Tally => ({
  ...tally,
  succeeded: tally.succeeded + before.succeeded,
  failed: tally.failed + before.failed,
  paid: sum(tally.paid, before.paid),
});

/** `at` is ms since 1970, by the workflow's clock. */
export function settled(tally: Tally, promptId: string, receipt: Receipt, at: number): Tally {
  const next: Tally = {
    ...tally,
    paid: sum(tally.paid, receipt.paid),
    settledAt: afterGap(tally.settledAt, at) ? [at] : [...tally.settledAt.slice(1 - RATE_WINDOW), at],
  };
  if (receipt.status === 'succeeded') return { ...next, succeeded: tally.succeeded + 1 };
  const { type, message } = receipt.error ?? { type: 'Completion.Fault', message: 'no message' };
  return {
    ...next,
    failed: tally.failed + 1,
    lastFailures: [{ promptId, type, message }, ...tally.lastFailures].slice(0, LAST_FAILURES),
    sameFailure: tally.failed === 0 || tally.sameFailure === message ? message : null,
  };
}

/** A silence out of all proportion was a stop, an outage or a pause: the rate of before says nothing of after it. */
function afterGap(settledAt: readonly number[], at: number): boolean {
  const first = settledAt[0];
  const last = settledAt.at(-1);
  if (first === undefined || last === undefined || settledAt.length < 3) return false;
  const mean = (last - first) / (settledAt.length - 1);
  return at - last > Math.max(LEAST_GAP_MS, GAP_IN_MEANS * mean);
}

/** The message with which each of the first `many` prompts failed, if that is what just happened. */
export const uniformFailure = (tally: Tally, many: number): string | null =>
  tally.succeeded === 0 && tally.failed === many ? tally.sameFailure : null;

/** `closed` tells prompts that wait from prompts that never will run. */
export function countsOf(tally: Tally, running: number, closed: boolean): Counts {
  const { total, succeeded, failed } = tally;
  // A prompt that has just been settled may still hold its slot.
  const left = Math.max(0, total - succeeded - failed - running);
  return { total, running, succeeded, failed, pending: closed ? 0 : left, notRun: closed ? left : 0 };
}

/** Prompts per second over the window; 0 until two have settled. */
export function rateOf({ settledAt }: Tally): number {
  const first = settledAt[0];
  const last = settledAt.at(-1);
  if (first === undefined || last === undefined || last <= first) return 0;
  return ((settledAt.length - 1) * 1000) / (last - first);
}

const sum = (a: Paid, b: Paid): Paid => ({
  usage: {
    prompt: a.usage.prompt + b.usage.prompt,
    completion: a.usage.completion + b.usage.completion,
    total: a.usage.total + b.usage.total,
    cached: a.usage.cached + b.usage.cached,
    reasoning: a.usage.reasoning + b.usage.reasoning,
  },
  costNanoUsd: a.costNanoUsd === null || b.costNanoUsd === null ? null : a.costNanoUsd + b.costNanoUsd,
});
