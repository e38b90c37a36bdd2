/** Which prompts a shard has. */
import type { BatchLayout } from './batch-layout.ts';

export type ShardRanges = Pick<BatchLayout, 'prompts' | 'shardSize' | 'parts'>;

/** First and last prompt of a shard, from 1. */
export function shardRange({ prompts, shardSize, parts = [prompts] }: ShardRanges, shard: number) {
  let firstShard = 0;
  let before = 0;
  for (const part of parts) {
    const shards = Math.ceil(part / shardSize);
    if (shard < firstShard + shards) {
      const first = before + (shard - firstShard) * shardSize + 1;
      return { first, last: Math.min(before + part, first + shardSize - 1) };
    }
    firstShard += shards;
    before += part;
  }
  throw new Error(`there is no shard ${shard}: the batch has ${firstShard}`);
}

/** The shard of a prompt, by its position in the batch, from 0. */
export function shardOfPrompt({ prompts, shardSize, parts = [prompts] }: ShardRanges, index: number): number {
  let firstShard = 0;
  let before = 0;
  for (const part of parts) {
    if (index < before + part) return firstShard + Math.floor((index - before) / shardSize);
    firstShard += Math.ceil(part / shardSize);
    before += part;
  }
  throw new Error(`there is no prompt ${index}: the batch has ${before}`);
}

/** Workflow id of a shard. No batch can be called like it: a batch id has no colon. */
export function shardIdOf(batch: ShardRanges & { batchId: string }, shard: number): string {
  const { first, last } = shardRange(batch, shard);
  return `${batch.batchId}:${first}-${last}`;
}
