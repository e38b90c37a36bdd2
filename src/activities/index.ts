import type { BatchStore } from '../store/batch-store.ts';
import { type AdmitPrompts, createAdmitPrompts } from './admit-prompts.ts';
import type { BuyDependencies } from './buy-completions.ts';
import { type CompletePrompt, createCompletePrompt } from './complete-prompt.ts';
import { guardActivities } from './guard-activities.ts';
import { createReadShard, type ReadShard, type ReadShardDependencies } from './read-shard.ts';
import {
  createRecordLimits,
  createRecordPause,
  type RecordLimits,
  type RecordPause,
} from './record-controls.ts';
import { createSurveyShards, type SurveyShards } from './survey-shards.ts';
import { createWriteReport, type WriteReport } from './write-report.ts';

/** What the workflows can have done. */
export interface Activities {
  admitPrompts: AdmitPrompts;
  completePrompt: CompletePrompt;
  readShard: ReadShard;
  recordLimits: RecordLimits;
  recordPause: RecordPause;
  surveyShards: SurveyShards;
  writeReport: WriteReport;
}

export type ActivityDependencies = BuyDependencies & ReadShardDependencies & { store: BatchStore };

export const createActivities = (dependencies: ActivityDependencies): Activities =>
  guardActivities(
    {
      admitPrompts: createAdmitPrompts(dependencies),
      completePrompt: createCompletePrompt(dependencies),
      readShard: createReadShard(dependencies),
      recordLimits: createRecordLimits(dependencies),
      recordPause: createRecordPause(dependencies),
      surveyShards: createSurveyShards(dependencies),
      writeReport: createWriteReport(dependencies),
    },
    dependencies.store,
  );
