/** How a shard is called: by its prompts, counted from 1. */
import { type ShardRanges, shardRange } from './shard-range.ts';

/** Workflow id of a shard. No batch can be called like it: a batch id has no colon. */
export function shardIdOf(batch: ShardRanges & { batchId: string }, shard: number): string {
  const { first, last } = shardRange(batch, shard);
  return `${batch.batchId}:${first}-${last}`;
}
