import { setTimeout as sleep } from 'node:timers/promises';
import { isProvenDead } from '../system/worker-identity.ts';
import type { Lease, LeaseRequest } from '../core/lease.ts';

const ASK_AGAIN_AFTER_FAULT_MS = 500;
/** However urgent it is, the next question waits so long. */
const SOONEST_MS = 250;

export interface LeaseKeeperOptions {
  /** What is asked for, at this moment. */
  request(): Omit<LeaseRequest, 'seen' | 'dead'>;
  ask(request: LeaseRequest): Promise<Lease>;
  /** Whether anybody could use a lease. */
  isNeeded(): boolean;
  /** `until`: on the clock of `now`. */
  granted(lease: Lease, until: number): void;
  /** Of a monotonic clock, in ms. */
  now(): number;
}

/** Asks for a lease, and for the next one in time, as long as it is needed. */
export interface LeaseKeeper {
  /** Why there is none, in words; `null` while all is well. */
  readonly trouble: string | null;
  /** A lease is needed; `soon`: a better one than there is. */
  wake(soon: boolean): void;
  /** Asks no more. */
  close(): Promise<void>;
}

export function createLeaseKeeper({ request, ask, isNeeded, granted, now }: LeaseKeeperOptions): LeaseKeeper {
  const closing = new AbortController();
  let seen = 0;
  let dead: string[] = [];
  let trouble: string | null = null;
  let isRunning = false;
  let running = Promise.resolve();
  let hurry = new AbortController();

  const askOnce = async (): Promise<number> => {
    // Its time runs from before it was asked for: so it ends here before it does there.
    const askedAt = now();
    try {
      const lease = await ask({ ...request(), seen, dead });
      seen = lease.version;
      dead = lease.inTheWay.filter(isProvenDead);
      trouble = null;
      granted(lease, askedAt + lease.validMs);
      return dead.length > 0 ? 0 : lease.askAgainMs;
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error);
      return ASK_AGAIN_AFTER_FAULT_MS;
    }
  };

  const run = async (): Promise<void> => {
    isRunning = true;
    while (!closing.signal.aborted && isNeeded()) {
      const pause = await askOnce();
      hurry = new AbortController();
      await quietly(sleep(Math.min(pause, SOONEST_MS), undefined, { signal: closing.signal }));
      await quietly(sleep(Math.max(0, pause - SOONEST_MS), undefined, { signal: hurry.signal }));
    }
    isRunning = false;
  };

  return {
    get trouble() {
      return trouble;
    },
    wake: (soon) => {
      if (!isRunning) running = run();
      if (soon) hurry.abort();
    },
    close: async () => {
      closing.abort();
      hurry.abort();
      await running;
    },
  };
}

/** A sleep that is cut short is over too. */
const quietly = (sleeping: Promise<unknown>): Promise<unknown> => sleeping.catch(() => {});
