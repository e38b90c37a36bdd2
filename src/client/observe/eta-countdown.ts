import type { Progress } from '../../core/progress.ts';
import type { Retries } from './retries.ts';

interface Clock {
  /** ms, from anywhere. */
  now(): number;
  /** ms since 1970. */
  date(): number;
}

/**
 * The workflow's estimate is of the moment when a prompt last settled: the time since then is taken off it. While
 * prompts wait, no more than it takes until the next one should have settled, as a standstill brings no end nearer.
 * Once none waits, the end cannot come before the last try that is planned.
 */
export function createEtaCountdown(
  { now, date }: Clock = { now: () => performance.now(), date: Date.now },
): (progress: Progress, retries: Retries) => number | null {
  let settled = -1;
  let since = 0;
  return ({ counts, etaSeconds, promptsPerSecond }, { lastTryAt }) => {
    const done = counts.succeeded + counts.failed;
    if (done !== settled) [settled, since] = [done, now()];
    if (counts.pending + counts.running === 0) return etaSeconds;
    const passed = (now() - since) / 1000;
    if (counts.pending > 0)
      return etaSeconds && etaSeconds - Math.min(passed, etaSeconds, 1 / promptsPerSecond);
    const planned = lastTryAt === null ? 0 : (lastTryAt - date()) / 1000;
    const left = Math.max(planned, etaSeconds === null ? 0 : etaSeconds - passed);
    return left > 0 ? left : null;
  };
}
