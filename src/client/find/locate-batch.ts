/** From an id to the folder that holds the batch. */
import type { Config } from '../../config.ts';
import type { StoreLocation } from '../../core/batch-layout.ts';
import { BatchStore } from '../../store/batch-store.ts';
import { findBatch, findOutputFolder } from '../../store/output-folder.ts';
import { toFileName, workerIdentity } from '../../system/worker-identity.ts';
import { lookUpBatch } from './batch-registry.ts';
import { knownBatchIds } from './known-ids.ts';
import { DEFAULT_OUTPUT_DIR } from '../options/run-defaults.ts';
import { UsageError } from '../usage-error.ts';
import { whyNoBatch } from './why-no-batch.ts';

export const ledgerOwner = (): string => toFileName(workerIdentity());

export const openStore = (location: StoreLocation, batchId: string): BatchStore =>
  new BatchStore(location, batchId, ledgerOwner());

/** The batch in this folder, whatever the case of its id; `null` if it has none or is no output folder. */
export async function batchIn(outputDir: string, id: string): Promise<BatchStore | null> {
  const batchId = await findBatch(outputDir, id);
  return batchId === null ? null : openStore(await findOutputFolder(outputDir), batchId);
}

/** The folder that was named, else the one remembered, else the default one; `null`: the batch is in none of them. */
export async function findStore(
  config: Config,
  id: string,
  outputDir: string | undefined,
): Promise<BatchStore | null> {
  const known = outputDir === undefined ? await lookUpBatch(config.home, id) : null;
  return known ? openStore(known, known.batchId) : batchIn(outputDir ?? DEFAULT_OUTPUT_DIR, id);
}

/** As {@link findStore}. Throws {@link UsageError} where there is none. */
export async function locateBatch(
  config: Config,
  id: string,
  outputDir: string | undefined,
): Promise<BatchStore> {
  const store = await findStore(config, id, outputDir);
  if (store) return store;
  const known = await knownBatchIds(config.home, outputDir ?? DEFAULT_OUTPUT_DIR);
  throw new UsageError(await whyNoBatch(id, known, outputDir ?? `${config.home} or ${DEFAULT_OUTPUT_DIR}`));
}

/** Several batches, first looked for in `outputDir`. Throws {@link UsageError} for the first that is nowhere. */
export async function locateBatches(
  config: Config,
  ids: readonly string[],
  outputDir: string,
): Promise<BatchStore[]> {
  const stores: BatchStore[] = [];
  for (const id of ids)
    stores.push((await batchIn(outputDir, id)) ?? (await locateBatch(config, id, undefined)));
  return stores;
}
