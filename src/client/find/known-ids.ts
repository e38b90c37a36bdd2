/** The batches that this machine remembers, and those of the default output folder. */
import { changedAt, listFolders } from '../../store/output-folder.ts';
import { isBatchId } from '../../core/command-line.ts';
import { readRegistry } from './batch-registry.ts';
import { DEFAULT_OUTPUT_DIR } from '../options/run-defaults.ts';

/**
 * Their ids, the newest first, without names that no batch can have: a shell is offered them. Asks no server, and of each batch no more than one file's date: people wait for it at every
 * key. What is remembered of a batch that the output folder has is not read.
 */
export async function knownBatchIds(home: string, outputDir = DEFAULT_OUTPUT_DIR): Promise<string[]> {
  const folders = (await listFolders(outputDir).catch(() => [])).filter(isBatchId);
  const here = await datedBatches(folders.map((batchId) => ({ outputDir, batchId })));
  const ids = new Set(here.map(({ batchId }) => batchId.toLowerCase()));
  const registered = await readRegistry(home, (id) => isBatchId(id) && !ids.has(id)).catch(() => []);
  const known = [...here, ...(await datedBatches(registered))];
  return known.sort((a, b) => b.changedAt - a.changedAt).map(({ batchId }) => batchId);
}

interface Place {
  outputDir: string;
  batchId: string;
}

/** Those that are there, and when each was last started or ended. */
async function datedBatches(places: readonly Place[]): Promise<{ batchId: string; changedAt: number }[]> {
  const dates = await Promise.all(places.map(({ outputDir, batchId }) => changedAt(outputDir, batchId)));
  return places.flatMap(({ batchId }, index) => {
    const at = dates[index] ?? null;
    return at === null ? [] : [{ batchId, changedAt: at }];
  });
}
