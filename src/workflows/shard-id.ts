/** How a shard is called: by its prompts, counted from 1. */
import type { BatchInput } from '../contract.ts';

type ShardedBatch = Pick<BatchInput, 'batchId' | 'prompts' | 'shardSize'>;

/** First and last prompt of a shard, from 1. */
export function shardRange({ prompts, shardSize }: Omit<ShardedBatch, 'batchId'>, shard: number) {
  const first = shard * shardSize + 1;
  return { first, last: Math.min(prompts, first + shardSize - 1) };
}

/** Workflow id of a shard. No batch can be called like it: a batch id has no colon. */
export function shardIdOf(batch: ShardedBatch, shard: number): string {
  const { first, last } = shardRange(batch, shard);
  return `${batch.batchId}:${first}-${last}`;
}
