import type { BatchSurvey } from '../contract.ts';
import { readShardPrompts } from '../store/batch-reading.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeating.ts';
import { addPrompt, newRunSums } from './run-sums.ts';

export type SurveyShards = (batchId: string, run: number) => Promise<BatchSurvey>;

/** Tells the workflow of a large batch which shards have prompts left, and what earlier runs came to. */
export function createSurveyShards({ store }: { store: BatchStore }): SurveyShards {
  return (_batchId, run) =>
    heartbeating(async () => {
      const { shards } = await store.readManifest();
      const open: number[] = [];
      const sums = newRunSums();
      for (let shard = 0; shard < shards; shard++) {
        let isOpen = false;
        for await (const reading of readShardPrompts(store, shard)) {
          addPrompt(sums, reading, run);
          isOpen ||= !reading.standing.settled;
        }
        if (isOpen) open.push(shard);
      }
      return { open, before: sums.before };
    }).catch((error: unknown) => {
      throw toActivityFailure(error);
    });
}
