import type { TestContext } from 'node:test';
import type { PromptItem } from '../../../src/core/prompt.ts';
import { BatchDraft } from '../../../src/store/batch-draft.ts';
import { BatchStore } from '../../../src/store/batch-store.ts';
import { openOutputFolder } from '../../../src/store/output-folder.ts';
import type { Manifest } from '../../../src/store/manifest/manifest.ts';
import { manifestOf } from '../../report/support/report-fixtures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A committed batch in an output folder of its own. */
export async function makeBatch(
  t: TestContext,
  items: readonly PromptItem[],
  { shardSize = 500, ...changes }: Partial<Manifest> & { shardSize?: number } = {},
): Promise<BatchStore> {
  const location = await openOutputFolder(await temporaryFolder(t));
  const draft = await BatchDraft.open(location, shardSize);
  for (const item of items) await draft.add(item);
  const manifest = manifestOf(items.length, {
    store_uuid: location.uuid,
    shard_size: shardSize,
    shards: draft.shards,
    max_completions: items.reduce(
      (most, { completions = 0 }) => Math.max(most, completions),
      (changes.settings ?? manifestOf(0).settings).completions,
    ),
    ...changes,
  });
  if (!(await draft.commit(manifest))) throw new Error('a new folder has the batch already');
  const store = new BatchStore(location, manifest.batch_id, 'test');
  t.after(() => store.close());
  return store;
}
