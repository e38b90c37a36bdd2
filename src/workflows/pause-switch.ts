import { ActivityFailure, CancellationScope, log, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { BatchInput, Pause, PauseReason } from '../contract.ts';
import { storePolicy } from './policies.ts';

const { recordPause } = proxyActivities<Activities>(storePolicy);

/** Whether the batch is paused, kept beside the batch too, so that a pause outlives a lost Temporal database. */
export interface PauseSwitch {
  readonly current: Pause | null;
  /** How often it was lifted: tells what failed before from what fails now. */
  readonly lifts: number;
  /** Takes effect at once, resolves when it is noted. Of several reasons the first stays. */
  pause(reason: PauseReason, message: string): Promise<void>;
  /** As `pause`. */
  lift(): Promise<void>;
  /** Resolves when the last change is noted. */
  noted(): Promise<void>;
}

export function createPauseSwitch(
  { batchId, pause }: Pick<BatchInput, 'batchId' | 'pause'>,
  onChange: () => void,
): PauseSwitch {
  let current = pause;
  let lifts = 0;
  let noted = Promise.resolve();

  /** One note at a time, of what holds when its turn comes: what is written last is what was meant last. */
  const noteAfter = async (earlier: Promise<void>): Promise<void> => {
    await earlier;
    try {
      await CancellationScope.nonCancellable(() => recordPause(batchId, current));
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      // The pause holds all the same; only a lost Temporal database would forget it.
      log.warn('the pause could not be noted beside the batch', { batchId, error });
    }
  };
  const change = (to: Pause | null): Promise<void> => {
    current = to;
    onChange();
    noted = noteAfter(noted);
    return noted;
  };

  return {
    get current() {
      return current;
    },
    get lifts() {
      return lifts;
    },
    pause: async (reason, message) => {
      if (!current) await change({ reason, message, since: new Date().toISOString() });
    },
    lift: () => {
      lifts++;
      return change(null);
    },
    noted: () => noted,
  };
}
