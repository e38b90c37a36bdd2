import type { FailureCounts, FailureType } from '../contract.ts';

const types = (counts: FailureCounts): FailureType[] => Object.keys(counts) as FailureType[];

export const addFailures = (a: FailureCounts, b: FailureCounts): FailureCounts => combined(a, b, 1);

/** What `now` has more than `before`. */
export const newFailures = (before: FailureCounts, now: FailureCounts): FailureCounts =>
  combined(now, before, -1);

/** The most frequent first. */
export const rankedFailures = (counts: FailureCounts): { type: FailureType; count: number }[] =>
  types(counts)
    .map((type) => ({ type, count: counts[type] ?? 0 }))
    .sort((a, b) => b.count - a.count || (a.type < b.type ? -1 : 1));

function combined(a: FailureCounts, b: FailureCounts, sign: 1 | -1): FailureCounts {
  const sum = { ...a };
  for (const type of types(b)) {
    const count = (sum[type] ?? 0) + sign * (b[type] ?? 0);
    if (count === 0) delete sum[type];
    else sum[type] = count;
  }
  return sum;
}
