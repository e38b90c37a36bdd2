import { join } from 'node:path';

/** A shard's name in the prompts and ledger folders. */
export const shardName = (shard: number): string => String(shard).padStart(5, '0');

export const ledgerFolderOf = (batchFolder: string, shard: number): string =>
  join(batchFolder, 'ledger', shardName(shard));
