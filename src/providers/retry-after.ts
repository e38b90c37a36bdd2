import type { ResponseHeaders } from './transport/wire-errors.ts';

/**
 * The delay a response asks for: `retry-after-ms`, or `Retry-After` in seconds (fractions too) or as
 * an HTTP date. `null` where it says nothing, nothing readable, no delay at all, or a time that is over:
 * the caller's own backoff is better than none. However long it is, it is passed on: the caller holds
 * it against its patience.
 */
export function retryAfterMs(headers: ResponseHeaders, now: Date): number | null {
  const exact = toNumber(headers.get('retry-after-ms'));
  if (exact !== null) return positive(exact);
  const value = headers.get('retry-after');
  const seconds = toNumber(value);
  if (seconds !== null) return positive(seconds * 1000);
  if (value === null || !/^(mon|tue|wed|thu|fri|sat|sun)/i.test(value.trim())) return null;
  return positive(Date.parse(value) - now.getTime());
}

/** Digits only: `Number` would also read a sign, an exponent, hexadecimal, and nothing as 0. */
const toNumber = (value: string | null): number | null =>
  value !== null && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : null;

const positive = (ms: number): number | null =>
  ms > 0 ? Math.min(Math.ceil(ms), Number.MAX_SAFE_INTEGER) : null;
