import type { BatchSurvey, SurveyRequest } from '../core/prompt-task.ts';
import type { BatchStore } from '../store/batch-store.ts';
import type { ShardDigest } from '../store/digests/shard-digest.ts';
import { shardDigests } from '../store/digests/shard-digests.ts';
import { addPaid } from '../store/ledger/prompt-state.ts';
import { addFailures } from '../core/failure-counts.ts';
import { asActivity } from './as-activity.ts';
import { newRunSums } from './run-sums.ts';

export type SurveyShards = (request: SurveyRequest) => Promise<BatchSurvey>;

/** Tells the workflow of a large batch which shards have prompts left, and what earlier runs came to. */
export function createSurveyShards({ store }: { store: BatchStore }): SurveyShards {
  return asActivity(async ({ run }) => {
    await store.readManifest();
    const survey: BatchSurvey = { open: [], before: newRunSums().before };
    for await (const digest of shardDigests(store)) {
      addDigest(survey, digest, run);
      if (digest.open === 0) continue;
      survey.open.push(digest.shard);
      const inRun = digest.spent.find((sum) => sum.run === run);
      if (inRun) (survey.spentInRun ??= {})[digest.shard] = inRun.nanoUsd;
    }
    return survey;
  });
}

/** A shard with prompts left tells by itself what this run has made of it. */
function addDigest({ before }: BatchSurvey, { open, settled, spent }: ShardDigest, run: number): void {
  const isBefore = (each: { run: number }): boolean => each.run < run || open === 0;
  for (const sum of settled.filter(isBefore)) {
    before.succeeded += sum.succeeded;
    before.failed += sum.failed;
    before.paid = addPaid(before.paid, sum.paid);
    before.failuresByType = addFailures(before.failuresByType, sum.failuresByType);
  }
  for (const { nanoUsd } of spent.filter(isBefore)) before.spentNanoUsd += nanoUsd;
}
