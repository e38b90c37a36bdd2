import type { LimitChanges } from '../contract.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeating.ts';

export type RecordLimits = (batchId: string, changes: LimitChanges) => Promise<void>;

/** Notes changed limits beside the batch, so that they hold for its next run too. */
export function createRecordLimits({ store }: { store: BatchStore }): RecordLimits {
  return (_batchId, changes) =>
    heartbeating(async () => {
      await store.updateManifest((manifest) => ({ ...manifest, limits: { ...manifest.limits, ...changes } }));
    }).catch((error: unknown) => {
      throw toActivityFailure(error);
    });
}
