import type { WorkerPace } from '../core/batch-input.ts';
import { isSlow, type Throttle, widthOf } from './throttle.ts';

/** Prompts at the gate beyond those it lets pass, so that it is the provider who is waited for. */
const SPARE = 0.25;
/** Between a prompt's request and the next one's: Temporal, and the ledger. */
const OVERHEAD_MS = 100;
/** Prompts for a rate: answers do not all take equally long. */
const RATE_MARGIN = 1.5;
/** Shorter holds are over before anyone has read of them. */
const TOLD_HOLD_MS = 3000;

/** What a throttle means for the batch: how many prompts in progress, and why. `wallTime`: to ms since 1970. */
export function paceOf(
  throttle: Throttle,
  ceiling: number,
  at: number,
  wallTime: (at: number) => number,
): Omit<WorkerPace, 'worker'> {
  const { rate, latency } = throttle;
  const width = widthOf(throttle, ceiling);
  const busyMs = (latency.median ?? 0) + OVERHEAD_MS;
  const needed = rate === null ? width : Math.min(width, 1 + (RATE_MARGIN * rate * busyMs) / 1000);
  const slots = Math.min(ceiling, Math.ceil(needed * (1 + SPARE)) + 1);
  return { slots, reason: reasonOf(throttle, { at, wallTime, isRated: needed < width, ceiling }) };
}

function reasonOf(
  throttle: Throttle,
  known: { at: number; wallTime: (at: number) => number; isRated: boolean; ceiling: number },
): string {
  const { notBefore, closed, overRate, rate, owed, latency, window } = throttle;
  const what = overRate ? 'too many requests (429)' : 'an overload or an outage';
  if (notBefore - known.at > TOLD_HOLD_MS)
    return `${what}: nothing is sent until ${timeText(known.wallTime(notBefore))}`;
  if (closed) return `${what}: one request tries, the others wait`;
  if (isSlow(throttle))
    return `answers take ${secondsText(latency.median)} instead of ${secondsText(latency.baseline)}`;
  if (rate !== null && known.isRated)
    return `the provider lets through about ${Math.round(rate * 60)} requests a minute`;
  if (owed > 0) return `slower after ${what}`;
  return window >= known.ceiling ? 'at its ceiling' : 'growing while nothing is refused';
}

const secondsText = (ms: number | null): string => `${((ms ?? 0) / 1000).toFixed(1)} s`;

/** As `12:00:05 UTC`. */
export const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(11, 19)} UTC`;
