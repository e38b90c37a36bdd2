import type { Pause } from '../contract.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeating.ts';

export type RecordPause = (batchId: string, pause: Pause | null) => Promise<void>;

/** Notes a pause, or its end, beside the batch, so that it outlives a lost Temporal database. */
export function createRecordPause({ store }: { store: BatchStore }): RecordPause {
  return (_batchId, pause) =>
    heartbeating(async () => {
      await store.updateManifest((manifest) => ({ ...manifest, pause }));
    }).catch((error: unknown) => {
      throw toActivityFailure(error);
    });
}
