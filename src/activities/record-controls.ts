import type { LimitsNote, PauseNote } from '../core/prompt-task.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { appendControl } from '../store/controls-log.ts';
import { withPause } from '../store/manifest/pause-notes.ts';
import { asActivity } from './as-activity.ts';

export type RecordLimits = (note: LimitsNote) => Promise<void>;
export type RecordPause = (note: PauseNote) => Promise<void>;

/** Notes changed limits beside the batch, so that they hold for its next run too; and who asked for them. */
export const createRecordLimits = ({ store }: { store: BatchStore }): RecordLimits =>
  asActivity(async ({ changes, control }) => {
    await store.updateManifest((manifest) => ({ ...manifest, limits: { ...manifest.limits, ...changes } }));
    await appendControl(store.folder, control);
  });

/** Notes a pause, or its end, beside the batch, so that it outlives a lost Temporal database; and who asked for it. */
export const createRecordPause = ({ store }: { store: BatchStore }): RecordPause =>
  asActivity(async (note) => {
    await store.updateManifest((manifest) => withPause(manifest, note));
    if (note.control) await appendControl(store.folder, note.control);
  });
