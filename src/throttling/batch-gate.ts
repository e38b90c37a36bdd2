/** Where the requests of one batch wait in a worker process: for a provider that refused, and for their turn. */
import type { RunLimits } from '../core/settings.ts';
import type { WorkerPace } from '../core/batch-input.ts';
import { retryIn, workerStops } from '../activities/failures.ts';
import { paceOf, timeText } from './pace-of.ts';
import { type Passage, type RequestGate, type RequestResult } from '../activities/request-gate.ts';
import {
  advanced,
  type Circumstances,
  gone,
  letThrough,
  mayStillGo,
  newThrottle,
  opensAt,
  parked,
  refused,
  type Sending,
  sent,
  unused,
} from './throttle.ts';
import { failureTypes } from '../core/failure-types.ts';

/** Longer waits are Temporal's: they would use up the attempt's time. */
const LONGEST_HOLD_MS = 5000;
const LONGEST_TURN_MS = 10_000;
/** A prompt that was handed back asks again at least this often: whoever holds it then may know better. */
const LONGEST_HAND_BACK_MS = 30_000;
const TURN_HAND_BACK_MS = 1000;

export interface BatchGateOptions {
  /** Aborted when the worker shall end after the requests in hand. */
  stopping: AbortSignal;
  /** Hears how the provider takes it, at every request with `autoWorkers`. */
  onPace(pace: Omit<WorkerPace, 'worker'>): void;
  /** ms, never going back. */
  clock(): number;
  now: () => Date;
  random: () => number;
}

interface Wish {
  ceiling: number | null;
  /** It confirms that it goes. */
  confirms: boolean;
}

interface Waiter extends Wish {
  admit(passage: Passage): void;
  turnAway(error: unknown): void;
}

/**
 * One gate for all requests of a batch in this process. A refusal holds back everyone until the time the
 * provider named; then one request tries, and the others follow. With `autoWorkers` it finds out how many
 * requests at once, and how many a second, the provider takes.
 */
export function createBatchGate(options: BatchGateOptions): (limits: RunLimits) => RequestGate {
  const { stopping, onPace, clock, now, random } = options;
  const queue: Waiter[] = [];
  let throttle = newThrottle(clock());
  let inFlight = 0;
  let refusal = '';
  let timer: NodeJS.Timeout | undefined;

  const wallTime = (at: number): number => now().getTime() + at - clock();
  const turnAwayAll = (failure: () => unknown): void => {
    for (const { turnAway } of queue.splice(0)) turnAway(failure());
  };
  stopping.addEventListener('abort', () => turnAwayAll(workerStops), { once: true });

  const handedBack = (waitMs: number): unknown => {
    const delayMs = Math.min(LONGEST_HAND_BACK_MS, Math.max(TURN_HAND_BACK_MS, waitMs));
    const until = timeText(wallTime(clock() + waitMs));
    return retryIn(
      delayMs * (1 + random() / 10),
      failureTypes.heldBack,
      throttle.closed || waitMs > LONGEST_HOLD_MS
        ? `held back until ${until}, like all requests of the batch, after one failed: ${refusal}`
        : 'waits for its turn: the provider takes no more at once',
    );
  };

  const waitFor = ({ ceiling }: Wish): number => {
    const at = clock();
    throttle = advanced(throttle, at);
    return opensAt(throttle, { at, inFlight, ceiling }) - at;
  };

  const look = (): void => {
    clearTimeout(timer);
    for (;;) {
      const next = queue[0];
      if (!next) return;
      const waitMs = waitFor(next);
      if (waitMs > 0) {
        if (waitMs === Number.POSITIVE_INFINITY) return;
        if (waitMs > LONGEST_HOLD_MS) turnAwayAll(() => handedBack(waitMs));
        else timer = setTimeout(look, Math.ceil(waitMs));
        return;
      }
      queue.shift();
      next.admit(admitted(next));
    }
  };

  /** Of the request that goes now, or waits elsewhere until it does. */
  const admitted = ({ ceiling, confirms }: Wish): Passage => {
    let sending: Sending;
    [throttle, sending] = sent(throttle, { at: clock(), inFlight, ceiling });
    if (confirms) [throttle, sending] = parked(throttle, sending);
    inFlight++;
    let isAway = false;
    return {
      leave: (result) => {
        if (isAway) return;
        isAway = true;
        inFlight--;
        takeIn(sending, result, { at: clock(), inFlight, ceiling });
        if (ceiling !== null) onPace(paceOf(throttle, ceiling, clock(), wallTime));
        look();
      },
      confirm: () => {
        const at = clock();
        if (!mayStillGo(throttle, sending, at)) return false;
        [throttle, sending] = gone(throttle, sending, at);
        look();
        return true;
      },
      get unavailableSince() {
        const { unavailableSince } = throttle;
        return unavailableSince === null ? null : wallTime(unavailableSince);
      },
    };
  };

  const takeIn = (sending: Sending, result: RequestResult, circumstances: Circumstances): void => {
    const { how, latencyMs, retryAfterMs } = result;
    if (how === 'unsent') throttle = unused(throttle, sending);
    else if (how !== 'refused') {
      const failure = result.strained ? 'strained' : 'failed';
      const outcome = how === 'answered' ? { answeredAfterMs: latencyMs } : failure;
      throttle = letThrough(throttle, sending, outcome, circumstances);
    } else {
      const { status, message, pauses } = result.refusal ?? { status: null, message: '', pauses: false };
      refusal = message;
      throttle = refused(throttle, sending, { retryAfterMs, status, pauses }, circumstances, random());
    }
  };

  const waitInQueue = (wish: Wish, signal: AbortSignal): Promise<Passage> =>
    new Promise((resolve, reject) => {
      const leaveQueue = (): void => {
        clearTimeout(turn);
        signal.removeEventListener('abort', aborted);
        const place = queue.indexOf(waiter);
        if (place >= 0) queue.splice(place, 1);
      };
      const waiter: Waiter = {
        ...wish,
        admit: (passage) => (leaveQueue(), resolve(passage)),
        turnAway: (error) => (leaveQueue(), reject(error)),
      };
      const aborted = (): void => waiter.turnAway(signal.reason);
      const turn = setTimeout(() => waiter.turnAway(handedBack(TURN_HAND_BACK_MS)), LONGEST_TURN_MS);
      signal.addEventListener('abort', aborted, { once: true });
      queue.push(waiter);
      look();
    });

  return ({ autoWorkers, maxWorkers }) => ({
    enter: async ({ confirms = false }, signal) => {
      if (stopping.aborted) throw workerStops();
      signal.throwIfAborted();
      const wish = { ceiling: autoWorkers ? maxWorkers : null, confirms };
      return queue.length === 0 && waitFor(wish) <= 0 ? admitted(wish) : waitInQueue(wish, signal);
    },
  });
}
