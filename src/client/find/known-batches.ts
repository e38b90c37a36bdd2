/** The batches that can be named here without naming their folder. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Config } from '../../config.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { findOutputFolder, listBatches } from '../../store/output-folder.ts';
import { listRegistered } from './batch-registry.ts';
import { openStore } from './locate-batch.ts';
import { DEFAULT_OUTPUT_DIR } from '../options/run-defaults.ts';
import { UsageError } from '../usage-error.ts';
import {
  type ListOptions,
  listRemoteBatches,
  MAX_LISTED,
  type RemoteListing,
} from '../observe/remote-batch.ts';
import type { Temporal } from '../connect/temporal.ts';

/** Those of the named folder; without one, those this machine remembers and those of the default folder. */
export async function knownStores(config: Config, outputDir: string | undefined): Promise<BatchStore[]> {
  if (outputDir !== undefined) await assertFolder(outputDir);
  const stores = new Map<string, BatchStore>();
  const add = (store: BatchStore): void => void stores.set(store.folder, store);
  const folder = outputDir ?? DEFAULT_OUTPUT_DIR;
  const ids = await listBatches(folder);
  if (ids.length > 0) {
    const location = await findOutputFolder(folder);
    for (const id of ids) add(openStore(location, id));
  }
  if (outputDir === undefined) {
    for (const entry of await listRegistered(config.home, resolve(folder)))
      add(openStore(entry, entry.batchId));
  }
  return [...stores.values()];
}

/** A folder that does not exist has no batches either, but was most likely mistyped. */
async function assertFolder(outputDir: string): Promise<void> {
  const found = await stat(outputDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
  if (!found?.isDirectory())
    throw new UsageError(
      found ? `--output-dir: ${outputDir} is not a folder` : `--output-dir: there is no folder ${outputDir}`,
    );
}

export interface ServerBatches {
  ours: Map<BatchStore, RemoteListing>;
  others: RemoteListing[];
  /** A batch that is in neither is not on the server: no more were found than are listed. */
  isComplete: boolean;
}

/** The server's batches: those of a store that is among these, and those of no such store. */
export async function batchesOnServer(
  temporal: Temporal,
  stores: readonly BatchStore[],
  options: ListOptions = {},
): Promise<ServerBatches> {
  const nameOf = (uuid: string | undefined, batchId: string): string => `${uuid}/${batchId}`;
  const known = new Map(stores.map((store) => [nameOf(store.location.uuid, store.batchId), store]));
  const ours = new Map<BatchStore, RemoteListing>();
  const others: RemoteListing[] = [];
  const listings = await listRemoteBatches(temporal, options);
  for (const listing of listings) {
    const store = known.get(nameOf(listing.memo.store?.uuid, listing.batchId));
    if (store) ours.set(store, listing);
    else others.push(listing);
  }
  return { ours, others, isComplete: options.store !== undefined || listings.length < MAX_LISTED };
}
