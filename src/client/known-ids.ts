/** The batches that this machine remembers, and those of the default output folder. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { listBatches } from '../store/output-folder.ts';
import { readRegistry } from './batch-registry.ts';
import { DEFAULT_OUTPUT_DIR } from './options/run-defaults.ts';

/** Their ids, the newest first. Looks at each folder once and asks no server: people wait for it at every key. */
export async function knownBatchIds(home: string, outputDir = DEFAULT_OUTPUT_DIR): Promise<string[]> {
  const registered = await readRegistry(home).catch(() => []);
  const remembered = new Map<string, Set<string>>([[resolve(outputDir), new Set()]]);
  for (const { outputDir: folder, batchId } of registered) {
    remembered.set(folder, (remembered.get(folder) ?? new Set()).add(batchId));
  }
  const changed = new Map<string, number>();
  await Promise.all(
    [...remembered].map(async ([folder, ids]) => {
      const isWanted = (id: string): boolean => folder === resolve(outputDir) || ids.has(id);
      for (const id of (await listBatches(folder).catch(() => [])).filter(isWanted)) {
        const { mtimeMs } = await stat(join(folder, id)).catch(() => ({ mtimeMs: 0 }));
        changed.set(id, Math.max(changed.get(id) ?? 0, mtimeMs));
      }
    }),
  );
  return [...changed].sort(([, a], [, b]) => b - a).map(([id]) => id);
}
