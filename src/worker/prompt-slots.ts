/**
 * The slots of one process over all its batches. Two parts hold the cap together: a slot supplier asks Temporal for
 * no more prompts than there is room for, and a gate lets no more requests through than there are slots.
 *
 * Temporal's SDK reserves a slot for each poll, and a poll of a batch with nothing to do lasts a minute. So polls hold no
 * slot here: the room that is free is shared out to the workers as polls, at least one to each. That may bring a prompt
 * more for each batch than there are slots. It waits at the gate, where the batch with the fewest requests comes first, and
 * is handed back where that takes long, for a process with more room.
 */
import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';
import { retryIn, workerStops } from '../activities/failures.ts';
import type { Activities } from '../activities/index.ts';
import type { Passage, RequestGate } from '../activities/request-gate.ts';
import { failureTypes } from '../core/failure-types.ts';

/** A prompt that has waited this long for a slot is handed back. */
const MAX_WAIT_MS = 10_000;
/** Other processes may take it for this long before this process asks for it again. */
const HAND_BACK_MS = 1000;

const PROMPT: keyof Activities = 'completePrompt';

export interface PromptSlots {
  /** The part of one more batch. `stopping`: its worker takes nothing on any more. */
  join(stopping: AbortSignal): BatchSlots;
}

export interface BatchSlots {
  supplier: CustomSlotSupplier<ActivitySlotInfo>;
  gate: RequestGate;
  /** The batch's worker has stopped. */
  leave(): void;
}

/** What a permit is used for: an activity of another kind than prompts takes no slot. */
interface Permit extends SlotPermit {
  use: 'poll' | 'eager' | 'prompt' | 'other';
}

interface Reservation {
  grant(permit: Permit): void;
}

interface Waiter {
  /** The lower of two numbers came first. */
  number: number;
  pass(): void;
  refuse(reason: unknown): void;
}

interface Batch {
  permits: Record<Permit['use'], number>;
  /** Requests that have passed the gate and are not over. */
  requests: number;
  reservations: Reservation[];
  waiters: Waiter[];
}

/** `random`: from 0 up to 1. */
export function createPromptSlots(slots: number, random: () => number = Math.random): PromptSlots {
  const batches = new Set<Batch>();
  let requests = 0;
  let lastNumber = 0;

  const sum = (count: (batch: Batch) => number): number =>
    [...batches].reduce((all, batch) => all + count(batch), 0);

  /** What an eager reservation brings comes at once, so it holds a slot already. */
  const freeSlots = (): number => slots - sum(({ permits }) => permits.prompt + permits.eager);

  /** With no slot free each batch still polls once, unless a prompt of it waits: a report must not wait for other batches. */
  const mayPoll = ({ permits, requests: own }: Batch, free: number): boolean =>
    free > 0
      ? permits.poll < Math.max(1, Math.floor(free / batches.size))
      : permits.poll < 1 && permits.prompt <= own;

  const grantPolls = (): void => {
    const free = freeSlots();
    for (const batch of batches) {
      while (batch.reservations.length > 0 && mayPoll(batch, free)) {
        batch.permits.poll++;
        batch.reservations.shift()!.grant({ use: 'poll' });
      }
    }
  };

  /** The first of the batch with the fewest requests in progress; among equals, the one that came first. */
  const nextWaiter = (): [Batch, Waiter] | null => {
    let next: [Batch, Waiter] | null = null;
    for (const batch of batches) {
      const [waiter] = batch.waiters;
      if (!waiter) continue;
      const difference =
        next === null ? -1 : batch.requests - next[0].requests || waiter.number - next[1].number;
      if (difference < 0) next = [batch, waiter];
    }
    return next;
  };

  const admitWaiters = (): void => {
    for (;;) {
      const next = requests < slots ? nextWaiter() : null;
      if (next === null) return;
      const [batch, waiter] = next;
      batch.waiters.shift();
      count(batch, 1);
      waiter.pass();
    }
  };

  const count = (batch: Batch, change: 1 | -1): void => {
    batch.requests += change;
    requests += change;
  };

  const passageOf = (batch: Batch): Passage => {
    let isOver = false;
    return {
      leave: () => {
        if (isOver) return;
        isOver = true;
        count(batch, -1);
        admitWaiters();
        grantPolls();
      },
    };
  };

  const handedBack = (): unknown =>
    retryIn(
      HAND_BACK_MS * (1 + random() / 10),
      failureTypes.workerFull,
      `this worker has all its ${slots} slots in use, by this and other batches`,
    );

  const waitForSlot = (batch: Batch, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        const place = batch.waiters.indexOf(waiter);
        if (place >= 0) batch.waiters.splice(place, 1);
        outcome();
      };
      const waiter: Waiter = {
        number: ++lastNumber,
        pass: () => settle(resolve),
        refuse: (reason) => settle(() => reject(reason)),
      };
      const aborted = (): void => waiter.refuse(signal.reason);
      const timer = setTimeout(() => waiter.refuse(handedBack()), MAX_WAIT_MS);
      signal.addEventListener('abort', aborted, { once: true });
      batch.waiters.push(waiter);
      admitWaiters();
    });

  const supplierOf = (batch: Batch): CustomSlotSupplier<ActivitySlotInfo> => ({
    type: 'custom',
    reserveSlot: (_, abort) =>
      new Promise((resolve, reject) => {
        const reservation: Reservation = {
          grant: (permit) => {
            abort.removeEventListener('abort', aborted);
            resolve(permit);
          },
        };
        const aborted = (): void => {
          batch.reservations = batch.reservations.filter((other) => other !== reservation);
          reject(abort.reason);
        };
        if (abort.aborted) return reject(abort.reason);
        abort.addEventListener('abort', aborted, { once: true });
        batch.reservations.push(reservation);
        grantPolls();
      }),
    tryReserveSlot: () => {
      if (freeSlots() <= 0) return null;
      batch.permits.eager++;
      return { use: 'eager' } satisfies Permit;
    },
    markSlotUsed: ({ slotInfo, permit }) => {
      const held = permit as Permit;
      batch.permits[held.use]--;
      held.use = slotInfo.activityType === PROMPT ? 'prompt' : 'other';
      batch.permits[held.use]++;
      grantPolls();
    },
    releaseSlot: ({ permit }) => {
      batch.permits[(permit as Permit).use]--;
      grantPolls();
    },
  });

  return {
    join: (stopping) => {
      const batch: Batch = {
        permits: { poll: 0, eager: 0, prompt: 0, other: 0 },
        ...{ requests: 0, reservations: [], waiters: [] },
      };
      batches.add(batch);
      const turnAway = (): void => {
        for (const { refuse } of [...batch.waiters]) refuse(workerStops());
      };
      stopping.addEventListener('abort', turnAway, { once: true });
      return {
        supplier: supplierOf(batch),
        gate: {
          enter: async (_, signal) => {
            if (stopping.aborted) throw workerStops();
            signal.throwIfAborted();
            await waitForSlot(batch, signal);
            // The last prompt of a batch that waited may have been what held back its next poll.
            grantPolls();
            return passageOf(batch);
          },
        },
        leave: () => {
          batches.delete(batch);
          admitWaiters();
          grantPolls();
        },
      };
    },
  };
}
