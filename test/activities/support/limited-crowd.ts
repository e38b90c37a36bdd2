/** A crowd of workers before a limited provider, played through in made-up time by the throttle alone. */
import {
  advanced,
  type Circumstances,
  letThrough,
  newThrottle,
  opensAt,
  refused,
  type Sending,
  sent,
  type Throttle,
} from '../../../src/throttling/throttle.ts';
import type { Limit } from '../../support/provider-limits.ts';

export interface Crowd {
  limit: Limit;
  /** 429 or 503. */
  status: number;
  requests: number;
  latencyMs: number;
  refusalMs: number;
  /** What is told of a request comes this much later, and so does the next one. */
  overheadMs: number;
  ceiling: number;
  random: () => number;
}

export interface CrowdEnd {
  answered: number;
  refused: number;
  /** Most of them at once. */
  peak: number;
  tookMs: number;
  throttle: Throttle;
}

/** Until `requests` were answered. */
export function playCrowd(crowd: Crowd): CrowdEnd {
  const { ceiling, latencyMs, refusalMs, random } = crowd;
  const ends: { at: number; sending: Sending; refusal: { retryAfterMs: number | null } | null }[] = [];
  let throttle = newThrottle(0);
  let [at, atProvider, answered, refusals, peak] = [0, 0, 0, 0, 0];
  const now = (): Circumstances => ({ at, inFlight: ends.length, ceiling });
  const leaves: number[] = [];
  while (answered < crowd.requests) {
    throttle = advanced(throttle, at);
    const opens = opensAt(throttle, now());
    if (opens <= at && ends.length < ceiling) {
      const [next, sending] = sent(throttle, now());
      throttle = next;
      while (leaves.length > 0 && leaves[0]! <= at) leaves.shift();
      atProvider = leaves.length + 1;
      const refusal = crowd.limit(at, atProvider);
      const takes = refusal ? refusalMs : latencyMs * (0.5 + random());
      if (!refusal) {
        leaves.push(at + takes);
        leaves.sort((a, b) => a - b);
      }
      ends.push({ at: at + takes + crowd.overheadMs * random(), sending, refusal });
      ends.sort((a, b) => a.at - b.at);
      peak = Math.max(peak, ends.length);
      continue;
    }
    const end = ends[0];
    if (end && end.at <= opens) {
      at = Math.max(at, end.at);
      ends.shift();
      if (end.refusal) {
        refusals++;
        const { retryAfterMs } = end.refusal;
        const refusal = { retryAfterMs, status: crowd.status, pauses: false };
        throttle = refused(throttle, end.sending, refusal, now(), random());
      } else {
        answered++;
        throttle = letThrough(throttle, end.sending, { answeredAfterMs: at - end.sending.sentAt }, now());
      }
    } else {
      at = opens;
    }
  }
  return { answered, refused: refusals, peak, tookMs: at, throttle };
}
