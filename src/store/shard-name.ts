/** A shard's name in the prompts and ledger folders. */
export const shardName = (shard: number): string => String(shard).padStart(5, '0');
