/**
 * When a batch will be over, from what is left of it:
 *
 *   until the last prompt starts   completions that wait × time of one of late ÷ prompts in progress; where the rate
 *                                  of the last moments is clearly lower than that, prompts that wait ÷ that rate
 *   + until the last one ends      of one prompt: its usual time; of 50 or more at once: the time of the slowest of
 *                                  late; between, by their number's logarithm
 *
 * So a change of concurrency is known at once, and stragglers count once there were any. Once nothing waits, the
 * end stays where it was then expected; past it nobody knows.
 */
import type { PaceMark, Spans } from '../../core/batch-input.ts';
import { rateOf } from '../pace.ts';

export interface EtaFacts {
  /** Prompts that wait for their turn. */
  pending: number;
  /** `null` where nobody knows: then they want as many as those before them did. */
  pendingCompletions: number | null;
  /** Prompts in progress. */
  running: number;
  /** Prompts that may be in progress. */
  slots: number;
  pace: readonly PaceMark[];
  spans: Spans | null;
}

const MIN_WINDOW_MS = 5000;
const FEWEST_MARKS = 12;
/** How far a rate over a number of marks is off by chance, times the root of that number. */
const NOISE = 2;
/** Of this many at once, one takes as long as the slowest of late. */
const CROWD = 50;

/** From the moment of the newest settled prompt; `null` where nobody can tell. */
export function etaSecondsOf(facts: EtaFacts): number | null {
  const { pending, running, pace, spans } = facts;
  const left = pending + running;
  const rate = rateOf(pace);
  if (left === 0) return 0;
  if (rate === 0) return null;
  if (!spans) return left / rate;
  if (pending === 0) return restOfTail(facts, spans);
  const completions = facts.pendingCompletions || pending * spans.completions;
  const each = completions / pending;
  const atOnce = Math.max(1, Math.min(running || facts.slots, left));
  const byTime = (completions * spans.meanMs) / atOnce / 1000;
  const recent = recentMarks(pace, 2 * spans.meanMs * spans.completions);
  const byRate = (pending * (each / spans.completions)) / rateOf(recent);
  const isSlower = byRate > byTime * (1 + NOISE / Math.sqrt(recent.length));
  return (isSlower ? byRate : byTime) + tailMs(atOnce, spans.meanMs * each, spans) / 1000;
}

/** How long the last prompts to be started are in progress, until the slowest of them ends. */
function tailMs(prompts: number, usualMs: number, { slowestMs }: Spans): number {
  const share = Math.min(1, Math.log(prompts) / Math.log(CROWD));
  return usualMs + Math.max(0, slowestMs - usualMs) * share;
}

/** Nothing waits any more, since as many were left as may be in progress at once. */
function restOfTail({ running, slots, pace }: EtaFacts, spans: Spans): number | null {
  const newest = pace.at(-1)!;
  const total = newest.settled + running;
  const dry = pace.find(({ settled }) => settled >= total - slots) ?? newest;
  const ms = tailMs(total - dry.settled, spans.meanMs * spans.completions, spans) - (newest.at - dry.at);
  return ms > 0 ? ms / 1000 : null;
}

/** The newest of the window, but at least a few. */
function recentMarks(pace: readonly PaceMark[], windowMs: number): readonly PaceMark[] {
  const since = pace.at(-1)!.at - Math.max(MIN_WINDOW_MS, windowMs);
  const recent = pace.filter(({ at }, index) => at >= since || index >= pace.length - FEWEST_MARKS);
  return rateOf(recent) > 0 ? recent : pace;
}
