/**
 * How much a provider lets through: from when on, how many requests at once and how many a second. Folded
 * from what came of requests; times are ms of one clock that never goes back.
 */

export interface Throttle {
  /** Nobody is sent before this. */
  notBefore: number;
  /** Since a refusal one request at a time tries whether it is over. */
  closed: boolean;
  /** When that request was sent; `null`: none is on its way; infinite: it is {@link parked}. */
  tryingSince: number | null;
  /** How long that may be without word before it is taken as let through. */
  tryMs: number;
  /** How often in a row it closed without an answer in between. */
  closings: number;
  /** What was sent before says nothing new of the provider. */
  closedAt: number;
  /** The last refusal was of too many requests in a time (429), rather than of too many at once, or an outage. */
  overRate: boolean;
  /** Since when, without an answer in between, requests were refused. */
  unavailableSince: number | null;
  /** Refusals since the last answer. */
  refusedInARow: number;
  /** When it was slowed down last for a lone refusal. */
  slowedAt: number;
  /** Answers since the last refusal, to what was sent since it was slowed down. */
  answeredSlower: number;
  /** Lone refusals since it was slowed down last. */
  refusedSlower: number;
  /** How often in a row it was slowed down for a lone refusal, and another one came before that was paid for. */
  slowedInVain: number;
  /** Numbers of the last requests that were refused, oldest first: one more than may be chance. */
  lastRefused: readonly number[];
  /** Requests that were sent, from the first on. */
  sent: number;
  /** Of them those that have ended. */
  ended: number;
  /** Requests that may be in flight at once; it grows by fractions. */
  window: number;
  /** When it was last made use of. */
  fullAt: number;
  /** Requests a second; `null`: as many as the window lets. */
  rate: number | null;
  /** What the rate grows by with an answer. */
  rateStep: number;
  /** When the next request is due by the rate. */
  dueAt: number;
  /** Answers to come before anything grows again: a refusal is paid for in answers. */
  owed: number;
  /** It was never refused: the window may climb faster. */
  fresh: boolean;
  /** How often in a row it closed before an earlier refusal was paid for. */
  closedUnpaid: number;
  /** Answers for which lone refusals are taken for chance. */
  tolerant: number;
  /** What was sent, and of it refused, since it opened. */
  cycle: { since: number; lastSentAt: number; sent: number; refused: number };
  latency: LatencyWatch;
}

export interface LatencyWatch {
  /** Since the last median was taken. */
  samples: readonly number[];
  /** ms; `null`: there are no answers yet. */
  median: number | null;
  /** What answers take where nothing makes them wait; it follows higher medians slowly. */
  baseline: number | null;
}

/** A request on its way, as the throttle saw it go. */
export interface Sending {
  /** In the order in which they are sent, from 1. */
  number: number;
  /** Infinite while it is {@link parked}. */
  sentAt: number;
  /** It tries whether the provider is back. */
  tries: boolean;
  /** The rate alone held it back. */
  atRate: boolean;
}

export interface Refusal {
  /** As the provider asked; `null` where it did not say. */
  retryAfterMs: number | null;
  status: number | null;
  /** The batch pauses for it. */
  pauses: boolean;
}

/** What holds besides the state: how many are in flight (the request in question not counted), and what is allowed. */
export interface Circumstances {
  at: number;
  inFlight: number;
  /** Most requests at once that it may find out; `null`: their number is not its business. */
  ceiling: number | null;
}

/** Requests at once before anything is known. */
export const FIRST_WINDOW = 8;
/** Of a window that is made use of. */
const FULL = 0.8;
/** Answers that make the window one wider, while they come within {@link BRISK_MS}. */
const ANSWERS_A_STEP = 24;
/** The same after a refusal, in a window that is smaller than that; in a larger one as many as it is wide. */
const ANSWERS_A_STEP_BACK = 8;
/** Where answers take longer, each counts for more, up to a whole step: else slow models would climb for hours. */
const BRISK_MS = 1000;
/** Refusals stay below 1 in this many requests, the first climb apart. */
const ANSWERS_PER_REFUSAL = 70;
/** Nothing grows while more than 1 in this many requests fails in a way that load may be the cause of. */
const ANSWERS_PER_STRAIN = 16;
const MAX_OWED = 280;
/** Answers in which the rate doubles, if nothing is refused. */
const RATE_ANSWERS = 100;
/** Of what the provider let through. */
const SAFE_SHARE = 0.95;
/** A second: one request in two minutes. */
const MIN_RATE = 1 / 120;
/** Where going slower has not helped so often in a row, the refusals have nothing to do with how fast it goes. */
const FUTILE_CLOSINGS = 4;
const FUTILE_SLOWINGS = 3;
/** Refusals with fewer answers in between are one event: going slower had no time to help. */
const ONE_EVENT_ANSWERS = 5;
/** Unless so many follow: a rate just above the limit has every few requests refused until it is lowered. */
const ONE_EVENT_REFUSALS = 4;
/** Then it is tried how far one comes if lone refusals are taken for chance. */
const TOLERANT_ANSWERS = 500;
/** What each of them costs of it: chance is rare, and may be a limit after all. */
const ANSWERS_OF_TOLERANCE = 40;
/** A longer wait is an outage or a used-up quota, and says nothing of a rate. */
const LONGEST_CYCLE_WAIT_MS = 70_000;
/** Requests let through in a cycle that tells something by itself; two smaller ones do together. */
const TELLING_CYCLE = 10;
/** A rate counts from a moment at which there were requests. */
const IDLE_MS = 10_000;
/** Timers are late: what a fast rate missed by that may be made up for. */
const CATCH_UP_MS = 50;
/** A try that is not refused within this is let through: answers may take minutes, refusals come sooner. */
const TRY_MS = 2000;
const LONGEST_TRY_MS = 30_000;
const MIN_HOLD_MS = 100;
/** Requests sent one after the other that tell whether refusals are chance: a limit that is reached refuses most of them. */
const NEIGHBOURS = 20;
const MAX_BY_CHANCE = 4;
/** A longer wait applies to all requests. */
const SHORT_WAIT_MS = 5000;
const MAX_BACKOFF_MS = 60_000;
/** Answers that take longer than the baseline times this say that more at once only wait for each other. */
const INFLATED = 2;
const BASELINE_DRIFT = 0.002;
const MIN_SAMPLES = 8;

export const newThrottle = (at: number): Throttle => ({
  ...{ notBefore: at, closed: false, tryingSince: null, tryMs: TRY_MS, closings: 0 },
  ...{ closedAt: Number.NEGATIVE_INFINITY, fullAt: Number.NEGATIVE_INFINITY },
  slowedAt: Number.NEGATIVE_INFINITY,
  ...{ overRate: false, unavailableSince: null, refusedInARow: 0, answeredSlower: 0, refusedSlower: 0 },
  ...{ slowedInVain: 0, lastRefused: [], sent: 0, ended: 0 },
  ...{ window: FIRST_WINDOW, rate: null, rateStep: 0, dueAt: at },
  ...{ owed: 0, fresh: true, closedUnpaid: 0, tolerant: 0 },
  cycle: { since: at, lastSentAt: at, sent: 0, refused: 0 },
  latency: { samples: [], median: null, baseline: null },
});

/** Opens it again where the request that tries was not refused in time. */
export const advanced = (throttle: Throttle, at: number): Throttle =>
  throttle.closed && throttle.tryingSince !== null && at - throttle.tryingSince >= throttle.tryMs
    ? opened(throttle, at)
    : throttle;

/** When the next request may be sent: now, where that is over; `Infinity`: when one that is in flight has ended. */
export function opensAt(throttle: Throttle, { at, inFlight, ceiling }: Circumstances): number {
  const { notBefore, closed, tryingSince } = throttle;
  if (notBefore > at) return notBefore;
  if (closed && tryingSince !== null) return tryingSince + throttle.tryMs;
  if (ceiling === null) return at;
  if (inFlight >= widthOf(throttle, ceiling)) return Number.POSITIVE_INFINITY;
  return throttle.rate === null ? at : Math.max(at, throttle.dueAt);
}

/** Whole requests at once. */
export const widthOf = ({ window }: Pick<Throttle, 'window'>, ceiling: number): number =>
  Math.max(1, Math.min(Math.floor(window), ceiling));

/** A request goes. */
export function sent(throttle: Throttle, { at, inFlight, ceiling }: Circumstances): [Throttle, Sending] {
  const { rate, dueAt, closed } = throttle;
  const wasIdle = !closed && at - throttle.cycle.lastSentAt > Math.max(IDLE_MS, 2000 / (rate ?? 1));
  const cycle = wasIdle ? { since: at, sent: 0, refused: 0 } : throttle.cycle;
  const gapMs = rate === null ? 0 : 1000 / rate;
  const latestDue = Math.max(dueAt, gapMs < CATCH_UP_MS ? at - CATCH_UP_MS : at);
  const number = throttle.sent + 1;
  const sending: Sending = {
    ...{ number, sentAt: at },
    tries: closed,
    atRate: rate !== null && dueAt > at - CATCH_UP_MS,
  };
  return [
    {
      ...throttle,
      ...{ sent: number, tryingSince: closed ? at : null },
      fullAt: ceiling !== null && inFlight + 1 >= FULL * widthOf(throttle, ceiling) ? at : throttle.fullAt,
      dueAt: latestDue + gapMs,
      cycle: { ...cycle, sent: cycle.sent + 1, lastSentAt: at },
    },
    sending,
  ];
}

/** It may go, but waits elsewhere first: if it is the one that tries, nothing is tried until it goes. */
export const parked = (throttle: Throttle, sending: Sending): [Throttle, Sending] =>
  sending.tries
    ? [
        { ...throttle, tryingSince: Number.POSITIVE_INFINITY },
        { ...sending, sentAt: Number.POSITIVE_INFINITY },
      ]
    : [throttle, sending];

/** Whether one that was let go before, and has not gone yet, still may. */
export const mayStillGo = (throttle: Throttle, sending: Sending, at: number): boolean =>
  throttle.notBefore <= at && (!throttle.closed || isTheTry(throttle, sending));

/** One that had waited elsewhere goes. */
export const gone = (throttle: Throttle, sending: Sending, at: number): [Throttle, Sending] => [
  { ...throttle, tryingSince: throttle.closed ? at : throttle.tryingSince },
  { ...sending, sentAt: at },
];

/** It was not needed any more. */
export const unused = (throttle: Throttle, sending: Sending): Throttle => ({
  ...throttle,
  tryingSince: isTheTry(throttle, sending) ? null : throttle.tryingSince,
  cycle: { ...throttle.cycle, sent: throttle.cycle.sent - 1 },
});

/** Not one that tried an earlier time. */
const isTheTry = ({ tryingSince }: Throttle, { tries, sentAt }: Sending): boolean =>
  tries && tryingSince === sentAt;

/** How a request ended that was not refused. */
export type Outcome = { answeredAfterMs: number } | 'failed' | 'strained';

/** The provider is there: it answered, or failed this request, perhaps because it has too much to do (`strained`). */
export function letThrough(
  before: Throttle,
  sending: Sending,
  outcome: Outcome,
  { at, inFlight, ceiling }: Circumstances,
): Throttle {
  const latencyMs = typeof outcome === 'string' ? null : outcome.answeredAfterMs;
  const latency = latencyMs === null ? before.latency : watched(before.latency, latencyMs, before.window);
  const isNews = sending.sentAt >= before.closedAt;
  const tolerant = Math.max(0, before.tolerant - 1);
  const ended = before.ended + 1;
  const now: Throttle = { ...before, latency, unavailableSince: null, refusedInARow: 0, ended, tolerant };
  if (before.closed) return isNews ? opened(now, at) : now;
  if (isNews) now.closings = 0;
  if (outcome === 'strained') now.owed = Math.min(MAX_OWED, before.owed + ANSWERS_PER_STRAIN);
  if (latencyMs === null) return now;
  if (sending.sentAt >= before.slowedAt) now.answeredSlower = before.answeredSlower + 1;
  if (before.owed > 0) return { ...now, owed: before.owed - 1 };
  const isFull = before.fullAt >= sending.sentAt;
  const isHalfFull = ceiling !== null && inFlight + 1 >= widthOf(before, ceiling) / 2;
  // Neither may keep the other small: what one holds back does not fill the other.
  const mayWiden = (isFull || (sending.atRate && isHalfFull)) && !isSlow(now);
  return {
    ...now,
    window: mayWiden && ceiling !== null ? Math.min(ceiling, before.window + stepOf(now)) : before.window,
    rate: before.rate !== null && (isFull || sending.atRate) ? before.rate + before.rateStep : before.rate,
  };
}

/** What an answer widens the window by. */
function stepOf({ fresh, window, latency }: Throttle): number {
  const answers = fresh ? ANSWERS_A_STEP : Math.max(ANSWERS_A_STEP_BACK, window);
  return Math.min(1, Math.max(1, (latency.median ?? 0) / BRISK_MS) / answers);
}

/** The provider refused, or was not there. */
export function refused(
  before: Throttle,
  sending: Sending,
  refusal: Refusal,
  { at, inFlight, ceiling }: Circumstances,
  random: number,
): Throttle {
  const named = refusal.retryAfterMs === null ? null : at + Math.max(MIN_HOLD_MS, refusal.retryAfterMs);
  const now: Throttle = {
    ...before,
    owed: Math.min(MAX_OWED, before.owed + ANSWERS_PER_REFUSAL),
    cycle: { ...before.cycle, refused: before.cycle.refused + 1 },
    unavailableSince: before.unavailableSince ?? at,
    refusedInARow: before.refusedInARow + 1,
    answeredSlower: 0,
    lastRefused: [...before.lastRefused, sending.number].slice(-MAX_BY_CHANCE - 1),
    ended: before.ended + 1,
    tryMs: Math.min(LONGEST_TRY_MS, Math.max(TRY_MS, 2 * (at - sending.sentAt))),
  };
  if (refusal.pauses) {
    // What is in progress is put back as it comes, and a resumed batch has its patience afresh.
    return { ...now, notBefore: at, closed: true, tryingSince: null, closedAt: at, unavailableSince: null };
  }
  if (sending.sentAt < before.closedAt) return { ...now, notBefore: Math.max(now.notBefore, named ?? 0) };
  // A few among many answers have nothing to do with the others, though each names its own wait.
  const isShort = (refusal.retryAfterMs ?? 0) <= SHORT_WAIT_MS;
  if (!before.closed && isShort && isLone(now, sending))
    return ceiling === null || before.tolerant > 0
      ? tolerated(now, before)
      : slowed(now, before, { at, inFlight }, refusal);
  // Where nobody asked for it, all are held back only if it is more than chance.
  const isChance = now.refusedInARow === 1 && (ceiling === null ? named === null : before.tolerant > 0);
  if (isChance) return { ...tolerated(now, before), notBefore: Math.max(now.notBefore, named ?? 0) };
  if (!before.closed) now.closedUnpaid = before.owed > 0 || before.tolerant > 0 ? before.closedUnpaid + 1 : 0;
  now.tolerant = 0;
  now.slowedInVain = 0;
  const closings = before.closings + 1;
  now.closings = closings;
  now.notBefore = Math.max(now.notBefore, named ?? at + backoffMs(closings, random));
  Object.assign(now, { closed: true, tryingSince: null, closedAt: at } satisfies Partial<Throttle>);
  now.overRate = refusal.status === 429;
  // Once for a closing, however many are refused with it or after it.
  if (!before.closed && ceiling !== null) {
    now.window = Math.max(1, Math.min(before.window, inFlight + 1) / 2);
    now.fresh = false;
  }
  return now;
}

/**
 * By their order as they were sent, as refusals come sooner than answers: of fifty sent at once the few that are
 * refused are heard of first.
 */
const isLone = ({ ended, lastRefused }: Throttle, { number }: Sending): boolean =>
  ended >= NEIGHBOURS &&
  lastRefused.filter((other) => Math.abs(other - number) < NEIGHBOURS).length <= MAX_BY_CHANCE;

const tolerated = (now: Throttle, { owed, tolerant }: Throttle): Throttle => ({
  ...now,
  ...{ owed, tolerant: Math.max(0, tolerant - ANSWERS_OF_TOLERANCE) },
});

/** After a lone refusal: a little less at once, and a second, unless that did not help before. */
function slowed(
  now: Throttle,
  { owed, window, rate, answeredSlower, refusedSlower, slowedInVain }: Throttle,
  { at, inFlight }: Pick<Circumstances, 'at' | 'inFlight'>,
  { status }: Refusal,
): Throttle {
  if (answeredSlower < ONE_EVENT_ANSWERS && refusedSlower < ONE_EVENT_REFUSALS)
    return { ...now, refusedSlower: refusedSlower + 1 };
  // Earlier refusals are paid for, so that a closing that follows is the first of a new series.
  if (owed === 0) now.closedUnpaid = 0;
  const inVain = answeredSlower < ANSWERS_PER_REFUSAL ? slowedInVain + 1 : 0;
  if (inVain === FUTILE_SLOWINGS) return { ...now, owed: 0, slowedInVain: 0, tolerant: TOLERANT_ANSWERS };
  // By more each time: what is a little too fast shall not be taken for chance.
  const share = SAFE_SHARE ** (2 ** inVain);
  const atOnce = Math.min(window, Math.max(window / 2, inFlight + 1));
  const overRate = status === 429;
  const less = {
    ...now,
    overRate,
    slowedAt: at,
    refusedSlower: 0,
    slowedInVain: inVain,
    window: Math.max(1, share * atOnce),
  };
  const { cycle } = now;
  const through = throughOf(cycle);
  if (!overRate || through < TELLING_CYCLE || at <= cycle.since) return less;
  const known = rate ?? (through * 1000) / (at - cycle.since);
  return withRate(less, Math.max(MIN_RATE, share * known), at);
}

const throughOf = (cycle: Throttle['cycle']): number => cycle.sent - cycle.refused;

const withRate = (throttle: Throttle, rate: number, at: number): Throttle => ({
  ...throttle,
  ...{ rate, rateStep: rate / RATE_ANSWERS, dueAt: at + 1000 / rate },
});

/** 1 s, 2 s, 4 s … 1 minute, each shortened by up to a half at random. */
const backoffMs = (closings: number, random: number): number =>
  Math.min(MAX_BACKOFF_MS, 1000 * 2 ** Math.min(closings - 1, 10)) * (1 - random / 2);

/** What it let through over the whole cycle, its waits included, is the rate that it can be asked at. */
function opened(throttle: Throttle, at: number): Throttle {
  const { cycle, closedAt, overRate, rate, closedUnpaid } = throttle;
  const through = throughOf(cycle);
  const open: Throttle = {
    ...{ ...throttle, closed: false, tryingSince: null, closings: 0, dueAt: at },
    cycle: { since: at, lastSentAt: at, sent: 0, refused: 0 },
  };
  if (closedUnpaid >= FUTILE_CLOSINGS) {
    const window = Math.max(throttle.window, FIRST_WINDOW);
    return { ...open, window, rate: null, owed: 0, closedUnpaid: 0, tolerant: TOLERANT_ANSWERS };
  }
  // What came through before the first refusal of all may be what somebody else had left.
  const isTelling = through >= TELLING_CYCLE || (through > 0 && closedUnpaid > 1);
  if (!overRate || !isTelling || at - closedAt > LONGEST_CYCLE_WAIT_MS || at <= cycle.since) return open;
  const known = Math.max(MIN_RATE, (SAFE_SHARE * through * 1000) / (at - cycle.since));
  const next = Math.min(rate ?? known, known);
  // Also the request that tried counts.
  const slower = withRate(open, next, Math.min(at, throttle.tryingSince ?? at));
  return { ...slower, dueAt: Math.max(at, slower.dueAt) };
}

function watched({ samples, median, baseline }: LatencyWatch, ms: number, window: number): LatencyWatch {
  const all = [...samples, ms];
  if (all.length < Math.max(MIN_SAMPLES, Math.min(window, 100))) return { samples: all, median, baseline };
  const middle = all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!;
  const before = baseline ?? middle;
  return {
    samples: [],
    median: middle,
    baseline: middle < before ? middle : before + BASELINE_DRIFT * (middle - before),
  };
}

/** Answers take much longer than with fewer at once. */
export const isSlow = ({ latency: { median, baseline } }: Pick<Throttle, 'latency'>): boolean =>
  median !== null && baseline !== null && median > INFLATED * baseline;
