import { BUCKET_MS } from '../stand-in/tally.ts';

const WINDOW_BUCKETS = 1000 / BUCKET_MS;
const EDGE = 0.1;
const MIN_WINDOWS = 3;

/**
 * Answers per second in steady state: the median of whole seconds, without the first and the last tenth of the
 * run. `null` where less than three seconds are left.
 */
export function steadyRate(answersPerBucket: readonly number[]): number | null {
  const { length } = answersPerBucket;
  const end = Math.floor(length * (1 - EDGE));
  const windows: number[] = [];
  for (let at = Math.ceil(length * EDGE); at + WINDOW_BUCKETS <= end; at += WINDOW_BUCKETS) {
    windows.push(answersPerBucket.slice(at, at + WINDOW_BUCKETS).reduce((sum, count) => sum + count, 0));
  }
  return windows.length < MIN_WINDOWS ? null : median(windows);
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('there is no median of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Mean share of the slots that had a request in flight, from the first request to the last start, 0 to 1.
 * `lastStartMs` since the first request.
 */
export function utilisation(
  inFlightPerBucket: readonly number[],
  lastStartMs: number,
  slots: number,
): number | null {
  const buckets = inFlightPerBucket.slice(0, Math.floor(lastStartMs / BUCKET_MS));
  if (buckets.length === 0) return null;
  return buckets.reduce((sum, inFlight) => sum + inFlight, 0) / buckets.length / slots;
}
