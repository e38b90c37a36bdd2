import type { FailureCounts, FailureType } from './receipt.ts';
import { ownValue } from './own-value.ts';

/** What older versions told of their prompts has no such counts. */
type MaybeCounts = FailureCounts | undefined;

const types = (counts: FailureCounts): FailureType[] => Object.keys(counts) as FailureType[];

export const addFailures = (a: MaybeCounts, b: MaybeCounts): FailureCounts => combined(a, b, 1);

/** What `now` has more than `before`. */
export const newFailures = (before: MaybeCounts, now: MaybeCounts): FailureCounts =>
  combined(now, before, -1);

/** The most frequent first. */
export const rankedFailures = (counts: MaybeCounts = {}): { type: FailureType; count: number }[] =>
  types(counts)
    .map((type) => ({ type, count: counts[type] ?? 0 }))
    .sort((a, b) => b.count - a.count || (a.type < b.type ? -1 : 1));

function combined(a: MaybeCounts = {}, b: MaybeCounts = {}, sign: 1 | -1): FailureCounts {
  const sum = { ...a };
  for (const type of types(b)) {
    const count = (ownValue(sum, type) ?? 0) + sign * (b[type] ?? 0);
    if (count === 0) delete sum[type];
    else sum[type] = count;
  }
  return sum;
}
