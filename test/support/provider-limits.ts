/** Limits that providers enforce, each by its own count of what arrives. */

/** Judges a request that arrives at `at` ms, itself among those in flight; `null`: let through. */
export type Limit = (at: number, inFlight: number) => { retryAfterMs: number | null } | null;

/** So many requests in each stretch of time. `tells`: when to come back. */
export const fixedWindow = (requests: number, ofMs: number, tells: boolean): Limit => {
  let [began, count] = [0, 0];
  return (at) => {
    if (at - began >= ofMs) [began, count] = [at - (at % ofMs), 0];
    if (++count <= requests) return null;
    return { retryAfterMs: tells ? began + ofMs - at : null };
  };
};

/** Filled steadily, emptied by requests. */
export const tokenBucket = (perSecond: number, capacity: number, tells: boolean): Limit => {
  let [tokens, last] = [capacity, 0];
  return (at) => {
    tokens = Math.min(capacity, tokens + ((at - last) * perSecond) / 1000);
    last = at;
    if (tokens < 1) return { retryAfterMs: tells ? Math.ceil((1 - tokens) / perSecond) * 1000 : null };
    tokens--;
    return null;
  };
};

export const atOnce =
  (most: number): Limit =>
  (_, inFlight) =>
    inFlight > most ? { retryAfterMs: null } : null;
