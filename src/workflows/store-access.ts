import { condition, log } from '@temporalio/workflow';
import type { BatchState } from './batch-state.ts';
import type { WorkHost } from './batch-work.ts';
import { causeOf, type PauseCause } from './pause-cause.ts';
import type { PauseSwitch } from './pause-switch.ts';

export interface StoreAccess {
  /** See {@link WorkHost.fromStore}. */
  run: WorkHost['fromStore'];
  /** Whether store work is under way. */
  readonly isBusy: boolean;
}

/** Runs store work; what the store cannot do pauses the batch, and is tried again once it is resumed. */
export function createStoreAccess(
  state: Pick<BatchState, 'isCancelled'>,
  pauseSwitch: Pick<PauseSwitch, 'current'>,
  pauseFor: (cause: PauseCause) => Promise<void>,
): StoreAccess {
  let underWay = 0;
  return {
    run: async (work) => {
      for (;;) {
        try {
          underWay++;
          return await work().finally(() => underWay--);
        } catch (error) {
          const cause = causeOf(error);
          if (state.isCancelled) {
            log.warn('the batch is cancelled without what its store could not do', { error });
            return null;
          }
          await pauseFor(cause);
          await condition(() => !pauseSwitch.current || state.isCancelled);
        }
      }
    },
    get isBusy() {
      return underWay > 0;
    },
  };
}
