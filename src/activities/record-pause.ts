import type { ControlNote, Pause, PauseNote } from '../core/progress.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { appendControl } from '../store/controls-log.ts';
import { withPause } from '../store/manifest/pause-notes.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeating.ts';

export type RecordPause = (
  batchId: string,
  pause: Pause | null,
  control?: ControlNote,
  note?: PauseNote,
) => Promise<void>;

/** Notes a pause, or its end, beside the batch, so that it outlives a lost Temporal database; and who asked for it. */
export function createRecordPause({ store }: { store: BatchStore }): RecordPause {
  return (_batchId, pause, control, note) =>
    heartbeating(async () => {
      await store.updateManifest((manifest) => withPause(manifest, pause, note));
      if (control) await appendControl(store.folder, control);
    }).catch((error: unknown) => {
      throw toActivityFailure(error);
    });
}
