/** The registered workflow types, and nothing else. */
export { promptBatch } from './prompt-batch.ts';
export { promptShard } from './prompt-shard.ts';
export { providerAccount } from './provider-account.ts';
