import type { ControlNote } from '../core/progress.ts';
import type { LimitChanges } from '../core/settings.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { appendControl } from '../store/controls-log.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeating.ts';

export type RecordLimits = (batchId: string, changes: LimitChanges, control?: ControlNote) => Promise<void>;

/** Notes changed limits beside the batch, so that they hold for its next run too; and who asked for them. */
export function createRecordLimits({ store }: { store: BatchStore }): RecordLimits {
  return (_batchId, changes, control) =>
    heartbeating(async () => {
      await store.updateManifest((manifest) => ({ ...manifest, limits: { ...manifest.limits, ...changes } }));
      if (control) await appendControl(store.folder, control);
    }).catch((error: unknown) => {
      throw toActivityFailure(error);
    });
}
