import type { BatchStore } from '../batch-store.ts';
import { shardRange } from '../../core/shard-range.ts';
import { ledgerSizes } from '../ledger/ledger-files.ts';
import { layoutOf } from '../manifest/manifest.ts';
import { readDigest, type ShardDigest, takeDigest, untouchedDigest } from './shard-digest.ts';
import { ledgerFolderOf } from '../shard-name.ts';

/**
 * How each shard of a batch stands, in order. A shard whose note is valid costs a look at its folder;
 * the ledger of any other is read. For whatever must be beyond doubt, such as reports, read the ledger.
 */
export async function* shardDigests(store: BatchStore): AsyncGenerator<ShardDigest> {
  const { shards } = await store.manifest();
  for (let shard = 0; shard < shards; shard++) yield await shardDigest(store, shard);
}

export async function shardDigest(store: BatchStore, shard: number): Promise<ShardDigest> {
  const manifest = await store.manifest();
  const folder = ledgerFolderOf(store.folder, shard);
  const sizes = await ledgerSizes(folder);
  if (!sizes) {
    const { first, last } = shardRange(layoutOf(manifest), shard);
    return untouchedDigest(shard, last - first + 1);
  }
  return (
    (await readDigest(folder, sizes)) ??
    (await store.withShard(shard, async (open) => {
      await open.reader.refresh();
      return takeDigest(open, manifest);
    }))
  );
}
