/** What a batch has come to so far, folded from receipts and from its shards' reports by pure functions. */
import type { Counts } from '../core/progress.ts';
import type { Paid, Receipt } from '../core/receipt.ts';
import type { RunSum } from '../core/prompt-task.ts';
import type { ShardTally } from '../core/shard-protocol.ts';
import type { Tally } from '../core/batch-input.ts';
import { addFailures, newFailures } from '../core/failure-counts.ts';
import { marked } from './pace.ts';
import { withSpan, withSpans } from './spans.ts';

const LAST_FAILURES = 5;

const NOTHING_PAID: Paid = {
  usage: { prompt: 0, completion: 0, total: 0, cached: 0, reasoning: 0 },
  costNanoUsd: 0,
};

export const newShardTally = (): ShardTally => ({
  succeeded: 0,
  failed: 0,
  paid: NOTHING_PAID,
  lastFailures: [],
  sameFailure: null,
  failuresByType: {},
});

export const newTally = (total: number): Tally => ({ ...newShardTally(), total, pace: [] });

/** Of what is counted anew; what was seen on the way stays. */
export const restartTally = ({ total, pace, lastFailures }: Tally): Tally => ({
  ...newTally(total),
  pace,
  lastFailures,
});

export const shardTallyOf = ({
  succeeded,
  failed,
  paid,
  lastFailures,
  sameFailure,
  failuresByType,
  spans = null,
}: Tally): ShardTally => ({
  succeeded,
  failed,
  paid,
  lastFailures,
  sameFailure,
  failuresByType,
  spans,
});

/** Takes in what the ledger has settled before. */
export const seedTally = (tally: Tally, before: Omit<RunSum, 'spentNanoUsd'>): Tally => ({
  ...tally,
  succeeded: tally.succeeded + before.succeeded,
  failed: tally.failed + before.failed,
  failuresByType: addFailures(tally.failuresByType, before.failuresByType),
  paid: sum(tally.paid, before.paid),
});

/** `at` is ms since 1970, by the workflow's clock; `span`, how long the prompt was in progress, and for how many completions. */
export function applyReceipt(
  tally: Tally,
  promptId: string,
  receipt: Receipt,
  at: number,
  span?: { ms: number; completions: number },
): Tally {
  const next: Tally = {
    ...tally,
    ...(span && { spans: withSpan(tally.spans ?? null, span.ms, span.completions) }),
    paid: sum(tally.paid, receipt.paid),
    pace: marked(tally.pace, at, tally.succeeded + tally.failed + 1),
  };
  if (receipt.status === 'succeeded') return { ...next, succeeded: tally.succeeded + 1 };
  const { type, message } = receipt.error ?? { type: 'Completion.Fault', message: 'no message' };
  return {
    ...next,
    failed: tally.failed + 1,
    lastFailures: [{ promptId, type, message }, ...tally.lastFailures].slice(0, LAST_FAILURES),
    sameFailure: tally.failed === 0 || tally.sameFailure === message ? message : null,
    failuresByType: addFailures(tally.failuresByType, { [type]: 1 }),
  };
}

/** Takes in what one shard has settled since its last report. */
export function mergeShardTally(tally: Tally, before: ShardTally, now: ShardTally, at: number): Tally {
  const failures = now.failed - before.failed;
  const count = now.succeeded + now.failed - before.succeeded - before.failed;
  if (count === 0) return tally;
  return {
    ...tally,
    succeeded: tally.succeeded + now.succeeded - before.succeeded,
    failed: tally.failed + failures,
    paid: sum(tally.paid, difference(now.paid, before.paid)),
    pace: marked(tally.pace, at, tally.succeeded + tally.failed + count),
    lastFailures: [...now.lastFailures.slice(0, failures), ...tally.lastFailures].slice(0, LAST_FAILURES),
    sameFailure: sameAfter(tally, now, failures),
    failuresByType: addFailures(tally.failuresByType, newFailures(before.failuresByType, now.failuresByType)),
    spans: withSpans(tally.spans ?? null, now.spans ?? null, count),
  };
}

function sameAfter(tally: Tally, { sameFailure }: ShardTally, failures: number): string | null {
  if (failures === 0) return tally.sameFailure;
  return tally.failed === 0 || tally.sameFailure === sameFailure ? sameFailure : null;
}

/** The message with which each of the first `many` prompts failed, if they have just come to be that many. */
export const uniformFailure = (before: ShardTally, now: ShardTally, many: number): string | null =>
  now.succeeded === 0 && before.failed < many && now.failed >= many ? now.sameFailure : null;

/** `closed` tells prompts that wait from prompts that never will run. */
export function countsOf(tally: Tally, running: number, closed: boolean): Counts {
  const { total, succeeded, failed } = tally;
  // A prompt that has just been settled may still hold its slot.
  const left = Math.max(0, total - succeeded - failed - running);
  return { total, running, succeeded, failed, pending: closed ? 0 : left, notRun: closed ? left : 0 };
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

const difference = (a: Paid, b: Paid): Paid => ({
  usage: {
    prompt: a.usage.prompt - b.usage.prompt,
    completion: a.usage.completion - b.usage.completion,
    total: a.usage.total - b.usage.total,
    cached: a.usage.cached - b.usage.cached,
    reasoning: a.usage.reasoning - b.usage.reasoning,
  },
  costNanoUsd: a.costNanoUsd === null || b.costNanoUsd === null ? null : a.costNanoUsd - b.costNanoUsd,
});
