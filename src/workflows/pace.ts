/** How fast prompts settle, from moments at which they were counted. */
import type { PaceMark } from '../core/batch-input.ts';

/** Marks kept. */
const WINDOW = 50;
/** Marks stand at least this far apart, so that the window is of seconds also where hundreds settle in one. */
const MIN_MARK_MS = 250;
/** Fewer marks may be of a handful that settled together. */
const STEADY_MARKS = 6;
/** A shorter window has more chance than rate in it. */
const MIN_SHOWN_MS = 1000;
const MIN_GAP_MS = 5000;
const GAP_IN_MEANS = 10;

/** `settled` prompts by `at`, ms since 1970. */
export function marked(pace: readonly PaceMark[], at: number, settled: number): readonly PaceMark[] {
  const mark = { at, settled };
  if (isAfterGap(pace, at)) return [mark];
  const beforeLast = pace.at(-2);
  if (beforeLast && at - beforeLast.at < MIN_MARK_MS) return [...pace.slice(0, -1), mark];
  return [...pace.slice(1 - WINDOW), mark];
}

/** A silence out of all proportion was a stop, an outage or a pause: the rate of before says nothing of after it. */
function isAfterGap(pace: readonly PaceMark[], at: number): boolean {
  const first = pace[0];
  const last = pace.at(-1);
  if (first === undefined || last === undefined || pace.length < 3) return false;
  const mean = (last.at - first.at) / (pace.length - 1);
  return at - last.at > Math.max(MIN_GAP_MS, GAP_IN_MEANS * mean);
}

/** Prompts per second over the window; 0 until two marks are there. */
export function rateOf(pace: readonly PaceMark[]): number {
  const first = pace[0];
  const last = pace.at(-1);
  if (first === undefined || last === undefined || last.at <= first.at) return 0;
  return ((last.settled - first.settled) * 1000) / (last.at - first.at);
}

/** As {@link rateOf}, but 0 until the window is a second long: what is shown to people. */
export const shownRateOf = (pace: readonly PaceMark[]): number =>
  (pace.at(-1)?.at ?? 0) - (pace[0]?.at ?? 0) < MIN_SHOWN_MS ? 0 : rateOf(pace);

/** As {@link rateOf}, but 0 until there are enough marks to go by. */
export const steadyRateOf = (pace: readonly PaceMark[]): number =>
  pace.length < STEADY_MARKS ? 0 : rateOf(pace);
