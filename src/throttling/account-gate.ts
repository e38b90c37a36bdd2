/** Lets the requests of one batch in one process pass as fast as its part of the account allows, in the order they came. */
import { retryIn, workerStops } from '../activities/failures.ts';
import type { RequestForecast, RequestGate, RequestResult } from '../activities/request-gate.ts';
import type { AccountLimits } from '../core/settings.ts';
import { ratesText } from '../workflows/account/account-page.ts';
import {
  type Lease,
  type LeaseHolder,
  type LeaseRequest,
  permitKinds,
  type Rates,
  ratesOf,
} from '../core/lease.ts';
import { createLeaseKeeper } from './lease-keeper.ts';
import { createPermitClock, type PermitClock } from './permit-clock.ts';
import { createQueue, type Place } from './queue.ts';
import { createTokenForecast } from './token-forecast.ts';
import { failureTypes } from '../core/failure-types.ts';

/** A prompt that would wait longer goes back to Temporal, so that waiting does not use up its start-to-close time. */
const LONGEST_WAIT_MS = 5000;
/** A prompt that has waited this long goes back too, whatever was expected. */
const WAIT_ENDS_MS = 8000;
/** So long before its turn a prompt shall be back. */
const AHEAD_MS = 2000;
const SOONEST_BACK_MS = 500;
/** Its part may grow meanwhile, as others leave the account or a limit is raised. */
const LATEST_BACK_MS = 60_000;
/** Without a lease nobody knows when. */
const BACK_WITHOUT_LEASE_MS = 5000;
/** Who waits longer than this for the next permit could use more of them. */
const STARVED_MS = 500;
/** When one that was refused comes again, where the provider does not say. */
const REFUSED_MS = 10_000;
/** A lease is kept for so long after its last use. */
const IDLE_MS = 4000;

export interface AccountGateOptions extends LeaseHolder {
  ask(request: LeaseRequest): Promise<Lease>;
  /** Nobody waits in a worker that stops. */
  stopping: AbortSignal;
  /** Of a monotonic clock, in ms. */
  now(): number;
  /** What holds at present, with each lease. */
  onLease(lease: Lease): void;
}

export interface AccountGate extends RequestGate {
  /** As the batch names them now. */
  readonly limits: AccountLimits;
  /** A prompt names them: one that is in progress since before they were set names what held then. */
  named(limits: AccountLimits): void;
  /** Lets nobody pass any more. */
  close(): Promise<void>;
}

interface Waiter {
  /** With the tokens that were taken for it. */
  pass(tokens: number): void;
  refuse(reason: unknown): void;
}

export function createAccountGate(
  first: AccountLimits,
  { worker, batchId, ask, stopping, now, onLease }: AccountGateOptions,
): AccountGate {
  // A process that is started again and again must not have a permit for each start.
  const requests = createPermitClock(-1);
  const tokens = createPermitClock(0);
  const forecast = createTokenForecast();
  const queue = createQueue();
  const waiters = new Map<Place, Waiter>();
  let limits = first;
  let usedAt = Number.NEGATIVE_INFINITY;
  /** Others have what this one did not want: it has to ask for it. */
  let isModest = false;
  let shown: Rates = ratesOf(limits);
  let timer: NodeJS.Timeout | undefined;

  const keeper = createLeaseKeeper({
    request: () => ({
      worker,
      batchId,
      limits: ratesOf(limits),
      wants: { requests: wantsOf(requests), tokens: wantsOf(tokens) },
    }),
    ask,
    isNeeded: () =>
      queue.isAwaited(now() + IDLE_MS) || requests.inDebt || tokens.inDebt || now() - usedAt < IDLE_MS,
    granted: (lease, until) => {
      requests.setRate(now(), lease.rates.requests, lease.fair.requests, until);
      tokens.setRate(now(), lease.rates.tokens, lease.fair.tokens, until);
      isModest = permitKinds.some((kind) => (lease.rates[kind] ?? 0) < 0.9 * (lease.fair[kind] ?? 0));
      shown = lease.limits;
      onLease(lease);
      serve();
      for (const [place, { refuse }] of waiters) if (turnMs(place) > WAIT_ENDS_MS) refuse(sentAway(place));
    },
    now,
  });

  const sendAllAway = (): void => {
    for (const { refuse } of waiters.values()) refuse(workerStops());
  };
  stopping.addEventListener('abort', sendAllAway, { once: true });

  function wantsOf(clock: PermitClock): number | null {
    const wants = clock.wants(now());
    return queue.first() && clock.waitMs(now()) > STARVED_MS ? null : wants;
  }

  function nextMs(): number {
    return Math.max(requests.waitMs(now()), tokens.waitMs(now()));
  }

  function turnMs(place: Place): number {
    const ahead = queue.before(place, now());
    return Math.max(
      requests.turnMs(now(), ahead.requests),
      tokens.turnMs(now(), forecast.of(ahead.mostTokens)),
    );
  }

  /** Lets pass whoever may, and comes back when the next one may. */
  function serve(): void {
    clearTimeout(timer);
    for (;;) {
      const place = queue.first();
      if (!place) return;
      const wait = nextMs();
      if (wait > 0) {
        if (Number.isFinite(wait)) timer = setTimeout(serve, Math.ceil(wait));
        return;
      }
      usedAt = now();
      const taken = forecast.of(place.mostTokens);
      requests.take(usedAt, 1);
      tokens.take(usedAt, taken);
      queue.leave(place);
      const { pass } = waiters.get(place)!;
      waiters.delete(place);
      pass(taken);
    }
  }

  function sentAway(place: Place): Error {
    const wait = turnMs(place);
    const isKnown = Number.isFinite(wait);
    const back = isKnown
      ? Math.min(LATEST_BACK_MS, Math.max(SOONEST_BACK_MS, wait - AHEAD_MS))
      : BACK_WITHOUT_LEASE_MS;
    queue.keep(place, now() + back);
    const { name } = limits;
    return retryIn(
      back,
      failureTypes.accountTurn,
      isKnown
        ? `account ${name} allows ${ratesText(shown)}: this request's turn comes in ${Math.round(wait / 1000)} s`
        : `account ${name} allows ${ratesText(shown)}, and grants nothing at present${keeper.trouble === null ? '' : `: ${keeper.trouble}`}`,
    );
  }

  async function turn(place: Place, signal: AbortSignal): Promise<number> {
    const passed = new Promise<number>((pass, refuse) => waiters.set(place, { pass, refuse }));
    const { refuse } = waiters.get(place)!;
    const aborted = (): void => refuse(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
    const ends = setTimeout(() => refuse(sentAway(place)), WAIT_ENDS_MS);
    try {
      keeper.wake(isModest && nextMs() > STARVED_MS);
      serve();
      return await passed;
    } finally {
      clearTimeout(ends);
      signal.removeEventListener('abort', aborted);
      waiters.delete(place);
      if (place.isHere) queue.leave(place);
    }
  }

  const gate: AccountGate = {
    get limits() {
      return limits;
    },
    named: (newer) => {
      if ((newer.setAt ?? 0) >= (limits.setAt ?? 0)) limits = newer;
    },
    enter: async ({ mostTokens, promptId }: RequestForecast, signal) => {
      signal.throwIfAborted();
      if (stopping.aborted) throw workerStops();
      const place = queue.join(promptId, mostTokens, now());
      const wait = turnMs(place);
      if (Number.isFinite(wait) && wait > LONGEST_WAIT_MS) {
        keeper.wake(false);
        throw sentAway(place);
      }
      const taken = await turn(place, signal);
      let isOver = false;
      return {
        leave: (result) => {
          if (isOver) return;
          isOver = true;
          settle(place, taken, result);
        },
      };
    },
    close: async () => {
      clearTimeout(timer);
      sendAllAway();
      await keeper.close();
    },
  };

  /** Pays what was taken too little, or gives back what was too much. */
  function settle(place: Place, taken: number, { how, tokens: counted, retryAfterMs }: RequestResult): void {
    if (how === 'unsent') requests.giveBack(now(), 1, 1);
    // What was refused comes again, and has waited already.
    if (how === 'refused') queue.keep(place, now() + (retryAfterMs ?? REFUSED_MS));
    if (how === 'answered' && counted !== null) forecast.learn(place.mostTokens, counted);
    const used = how === 'unsent' || how === 'refused' ? 0 : (counted ?? taken);
    tokens.giveBack(now(), taken - used, taken);
    serve();
  }

  return gate;
}
