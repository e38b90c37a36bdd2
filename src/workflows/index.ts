/** The registered workflow types, and nothing else. */
export { promptBatch } from './prompt-batch.ts';
export { promptShard } from './shards/prompt-shard.ts';
export { providerAccount } from './account/provider-account.ts';
