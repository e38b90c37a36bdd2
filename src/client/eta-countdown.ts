import type { Progress } from '../contract.ts';

/**
 * The workflow's estimate is of the moment when a prompt last settled: the time since then is taken off it. While
 * prompts wait, no more than it takes until the next one should have settled, as a standstill brings no end nearer.
 */
export function createEtaCountdown(
  now: () => number = () => performance.now(),
): (progress: Progress) => number | null {
  let settled = -1;
  let since = 0;
  return ({ counts, etaSeconds, promptsPerSecond }) => {
    const done = counts.succeeded + counts.failed;
    if (done !== settled) [settled, since] = [done, now()];
    if (etaSeconds === null || counts.pending + counts.running === 0) return etaSeconds;
    const passed = (now() - since) / 1000;
    if (counts.pending > 0) return etaSeconds - Math.min(passed, etaSeconds, 1 / promptsPerSecond);
    return passed < etaSeconds ? etaSeconds - passed : null;
  };
}
