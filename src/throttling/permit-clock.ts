/** How many permits of one kind there are: they come evenly at the leased rate, and are hardly saved up. */

/** What an idle gate saves up, so that a timer that is late costs nothing: a tenth of a second's permits. */
const SAVED_MS = 100;
const MINUTE_MS = 60_000;
/** Who uses this much of its lease could use more. */
const FULLY_USED = 0.97;
/** Who uses less may use a little more at any time. */
const SLACK = 1.1;

/** Times are of one monotonic clock, in ms from 0. */
export interface PermitClock {
  /** The newest request has not been paid off yet. */
  readonly inDebt: boolean;
  /** At `perMinute` from now on, until `until`; `null`: as many as one likes. `fair`: what can be counted on. */
  setRate(now: number, perMinute: number | null, fair: number | null, until: number): void;
  /** Until the next request may take its permits; infinite while nothing is leased. */
  waitMs(now: number): number;
  /** Until one may that comes after so many permits of others, if all goes on as can be counted on. */
  turnMs(now: number, others: number): number;
  /** More than there are is a debt, which the next permits pay. */
  take(now: number, permits: number): void;
  /** Of what one request took; less than nothing: it should have taken more. Never is more saved than that. */
  giveBack(now: number, permits: number, taken: number): void;
  /** What could be used a minute, by what was used since this was asked last; `null`: all there is. */
  wants(now: number): number | null;
}

/** `balance`: permits at the beginning. */
export function createPermitClock(balance: number): PermitClock {
  let perMs: number | null = 0;
  let fairPerMs: number | null = 0;
  let until = 0;
  let at = 0;
  /** Since `wants` was asked last: what came, and what of it was of use. */
  let leased = 0;
  let used = 0;

  const settle = (now: number): void => {
    const came = Math.max(0, Math.min(now, until) - at) * (perMs ?? 0);
    const kept = Math.max(0, Math.min(came, (perMs ?? 0) * SAVED_MS - balance));
    balance += kept;
    leased += came;
    used += kept;
    at = now;
  };

  const untilThereAre = (permits: number, now: number, rate: number | null): number => {
    if (now >= until) return Number.POSITIVE_INFINITY;
    return rate === null || balance >= permits ? 0 : (permits - balance) / rate;
  };

  return {
    get inDebt() {
      return perMs !== null && balance < 0;
    },
    setRate: (now, perMinute, fair, end) => {
      settle(now);
      // What was owed before there was no limit is not owed any more.
      if (perMs === null) balance = Math.max(balance, 0);
      perMs = perMinute === null ? null : perMinute / MINUTE_MS;
      fairPerMs = fair === null ? null : fair / MINUTE_MS;
      until = end;
    },
    waitMs: (now) => {
      settle(now);
      return untilThereAre(0, now, perMs);
    },
    turnMs: (now, others) => {
      settle(now);
      return untilThereAre(others, now, fairPerMs);
    },
    take: (now, permits) => {
      settle(now);
      if (perMs !== null) balance -= permits;
    },
    giveBack: (now, permits, taken) => {
      settle(now);
      if (perMs === null) return;
      const most = Math.max(taken, (perMs ?? 0) * SAVED_MS);
      balance = permits < 0 ? balance + permits : Math.max(balance, Math.min(balance + permits, most));
    },
    wants: (now) => {
      settle(now);
      const share = leased === 0 ? 1 : used / leased;
      leased = 0;
      used = 0;
      return perMs === null || share >= FULLY_USED ? null : perMs * MINUTE_MS * share * SLACK;
    },
  };
}
