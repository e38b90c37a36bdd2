import { join } from 'node:path';

/** A shard's name in the prompts and ledger folders. */
export const shardName = (shard: number): string => String(shard).padStart(5, '0');

/** Where the ledgers of all shards are. It is there from the batch's beginning. */
export const ledgerRootOf = (batchFolder: string): string => join(batchFolder, 'ledger');

export const ledgerFolderOf = (batchFolder: string, shard: number): string =>
  join(ledgerRootOf(batchFolder), shardName(shard));
