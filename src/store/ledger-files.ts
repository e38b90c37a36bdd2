import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The ledger files of a shard, each with its size in bytes; `null` if there is no such folder. */
export async function ledgerSizes(folder: string): Promise<Map<string, number> | null> {
  const names = await readdir(folder).catch(nullIfMissing);
  if (!names) return null;
  const sizes = new Map<string, number>();
  for (const name of names) {
    if (!name.endsWith('.jsonl')) continue;
    const found = await stat(join(folder, name)).catch(nullIfMissing);
    if (found) sizes.set(name, found.size);
  }
  return sizes;
}

const nullIfMissing = (error: NodeJS.ErrnoException): null => {
  if (error.code === 'ENOENT') return null;
  throw error;
};
