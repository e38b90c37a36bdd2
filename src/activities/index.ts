import type { BatchStore } from '../store/batch-store.ts';
import {
  type CompletePrompt,
  type CompletePromptDependencies,
  createCompletePrompt,
} from './complete-prompt.ts';
import { createReadShard, type ReadShard } from './read-shard.ts';
import { createRecordLimits, type RecordLimits } from './record-limits.ts';
import { createRecordPause, type RecordPause } from './record-pause.ts';
import { createWriteReport, type WriteReport } from './write-report.ts';

/** What the workflows can have done. */
export interface Activities {
  completePrompt: CompletePrompt;
  readShard: ReadShard;
  recordLimits: RecordLimits;
  recordPause: RecordPause;
  writeReport: WriteReport;
}

export type ActivityDependencies = CompletePromptDependencies & { store: BatchStore };

export const createActivities = (dependencies: ActivityDependencies): Activities => ({
  completePrompt: createCompletePrompt(dependencies),
  readShard: createReadShard(dependencies),
  recordLimits: createRecordLimits(dependencies),
  recordPause: createRecordPause(dependencies),
  writeReport: createWriteReport(dependencies),
});
