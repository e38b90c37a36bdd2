import { ActivityFailure, CancellationScope, log, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { BatchInput } from '../core/batch-input.ts';
import type { ControlNote, Pause } from '../core/progress.ts';
import type { PauseNote } from '../core/prompt-task.ts';
import { storePolicy } from './policies.ts';
import type { StoreNotes } from './store-notes.ts';

const { recordPause } = proxyActivities<Activities>(storePolicy);

/** Whether the batch is paused, kept beside the batch too, so that a pause outlives a lost Temporal database. */
export interface PauseSwitch {
  readonly current: Pause | null;
  /** How often it was lifted: tells what failed before from what fails now. */
  readonly lifts: number;
  /** Takes effect at once, resolves when it is noted, with the control that asked for it. Of several reasons the first stays. */
  pause(cause: Omit<Pause, 'since'>, control?: ControlNote): Promise<void>;
  /** As `pause`. */
  lift(control?: ControlNote): Promise<void>;
  /** There is nothing left to pause: it ends with the batch, whose report notes that. */
  forget(): void;
}

export function createPauseSwitch(
  { batchId, run, pause }: Pick<BatchInput, 'batchId' | 'run' | 'pause'>,
  notes: StoreNotes,
  onChange: () => void,
): PauseSwitch {
  let current = pause;
  let lifts = 0;
  /** Pauses that are over and not noted yet. */
  let ended: PauseNote['ended'] = [];

  /** Of what holds when its turn comes: what is written last is what was meant last. */
  const note = async (earlier: Promise<unknown> | null, control?: ControlNote): Promise<void> => {
    await earlier;
    try {
      const told = ended;
      await CancellationScope.nonCancellable(() =>
        recordPause({ batchId, run, pause: current, ended: told, ...(control && { control }) }),
      );
      ended = ended.slice(told.length);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      // The pause holds all the same; only a lost Temporal database would forget it.
      log.warn('the pause could not be noted beside the batch', { batchId, error });
    }
  };
  const change = (to: Pause | null, control?: ControlNote): Promise<void> => {
    current = to;
    onChange();
    return notes.add((earlier) => note(earlier, control));
  };

  return {
    get current() {
      return current;
    },
    get lifts() {
      return lifts;
    },
    pause: async (cause, control) => {
      if (!current) await change({ ...cause, since: new Date().toISOString() }, control);
    },
    lift: (control) => {
      lifts++;
      if (current) ended = [...ended, { since: current.since, until: new Date().toISOString() }];
      return change(null, control);
    },
    forget: () => {
      current = null;
    },
  };
}
