/** Whether the Temporal server knows a batch of the same requests that another folder has: its answers are paid already. */
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { searchAttributes } from '../../workflows/display/search-attributes.ts';
import { allHashes, hashInId, hashName, type BatchIdentity } from './batch-identity.ts';
import type { NewBatch } from './create-batch.ts';
import { takesBatchHash } from '../connect/batch-attributes.ts';
import { UsageError } from '../usage-error.ts';
import { viewOf } from '../observe/server-view.ts';
import type { BatchMemo } from '../observe/told-by-server.ts';
import { connectTemporal, type Temporal } from '../connect/temporal.ts';
import { withServer } from '../connect/with-server.ts';

interface Known {
  batchId: string;
  memo: BatchMemo;
}

/** On a server without the search attribute only this many batches are looked through, the newest first. */
const MAX_SCANNED = 1000;

/**
 * Throws {@link UsageError} where the server knows a batch of these requests, open or closed, that lives in another
 * folder. If that folder is gone, it only prints a note, since those answers are lost.
 */
export async function assertNotElsewhere(
  config: Config,
  newBatch: NewBatch,
  note: (line: string) => void,
): Promise<void> {
  if (newBatch.fresh) return;
  const temporal = await connectTemporal(config, note);
  try {
    await withServer({ config, temporal, note }, () => assertUnknown(temporal, newBatch, note));
  } finally {
    await temporal.close();
  }
}

async function assertUnknown(
  temporal: Temporal,
  { folder: wanted, identity, likelyIds, isNamed }: NewBatch,
  note: (line: string) => void,
): Promise<void> {
  const told = new Set<string>();
  for await (const { batchId, memo } of batchesOf(temporal, identity, likelyIds, isNamed)) {
    const { store } = memo;
    if (!store || (await wanted.hasUuid(store.uuid))) continue;
    const folder = join(store.outputDir, batchId);
    if (store.host === hostname() && !(await exists(folder))) {
      if (!told.has(folder))
        note(`The same requests were batch ${batchId} in ${store.outputDir}, which is not there any more.`);
      told.add(folder);
      continue;
    }
    throw new UsageError(
      `these requests are batch ${batchId} on this Temporal server already, in ${store.outputDir} on ${store.host}. ` +
        'Continue it there; --new makes another batch of them here, and buys every answer again.',
    );
  }
}

/** A named batch by its name alone, any other by its requests. */
async function* batchesOf(
  temporal: Temporal,
  identity: BatchIdentity,
  likelyIds: readonly string[],
  isNamed: boolean,
): AsyncGenerator<Known> {
  // The server's lists lag: a batch that was started a moment ago is found by its id only.
  for (const batchId of likelyIds) {
    const view = await viewOf(temporal, batchId);
    if (view.kind === 'absent' || view.description.type !== 'promptBatch') continue;
    if (isSame(batchId, view.memo, identity)) yield { batchId, memo: view.memo };
  }
  if (isNamed) return;
  const hashes = allHashes(identity).map((hash) => `'${hashName(hash)}'`);
  const byHash = (await takesBatchHash(temporal))
    ? ` AND ${searchAttributes.BatchHash.name} IN (${hashes.join(', ')})`
    : '';
  let scanned = 0;
  const query = `WorkflowType = 'promptBatch'${byHash}`;
  for await (const { workflowId: batchId, memo = {} } of temporal.client.workflow.list({ query })) {
    if (isSame(batchId, memo, identity)) yield { batchId, memo };
    if (byHash === '' && ++scanned === MAX_SCANNED) return;
  }
}

/** Version 0.1.0 noted no hash: of its batches only the id tells. */
function isSame(batchId: string, { hash }: BatchMemo, identity: BatchIdentity): boolean {
  return allHashes(identity).some((each) =>
    hash === undefined ? new RegExp(`-${hashInId(each)}(-\\d+)?$`).test(batchId) : hash === hashName(each),
  );
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
