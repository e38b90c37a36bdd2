import type { ControlNote, Pause } from '../contract.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { appendControl } from '../store/controls-log.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeating.ts';

export type RecordPause = (batchId: string, pause: Pause | null, control?: ControlNote) => Promise<void>;

/** Notes a pause, or its end, beside the batch, so that it outlives a lost Temporal database; and who asked for it. */
export function createRecordPause({ store }: { store: BatchStore }): RecordPause {
  return (_batchId, pause, control) =>
    heartbeating(async () => {
      await store.updateManifest((manifest) => ({ ...manifest, pause }));
      if (control) await appendControl(store.folder, control);
    }).catch((error: unknown) => {
      throw toActivityFailure(error);
    });
}
