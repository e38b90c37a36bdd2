import type { RunLimits } from '../core/settings.ts';

/** Whether more prompts have failed than `limit` allows; those forgiven by a resume do not count. */
export function isPastLimit(
  limit: RunLimits['maxFailures'],
  failed: number,
  forgiven: number,
  total: number,
): boolean {
  if (limit === null) return false;
  const allowed = 'count' in limit ? limit.count : exact(limit.share * total);
  return failed - forgiven > allowed;
}

export const limitText = (limit: NonNullable<RunLimits['maxFailures']>): string =>
  'count' in limit ? String(limit.count) : `${exact(limit.share * 100)}%`;

/** `forgiven`: those before the last resume, which do not count. */
export const failuresText = (failed: number, forgiven: number): string =>
  `${failed} ${failed === 1 ? 'prompt' : 'prompts'} failed${forgiven > 0 ? ' since the batch was resumed' : ''}`;

/** Without what binary fractions add: 0.29 × 100 is 29. */
const exact = (value: number): number => Number(value.toFixed(9));
