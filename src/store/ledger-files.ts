import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The ledger files of a shard, each with its size in bytes; `null` if there is no such folder. */
export const ledgerSizes = (folder: string): Promise<Map<string, number> | null> =>
  sizesIn(folder, async (path) => (await stat(path)).size);

/**
 * As {@link ledgerSizes}, for who buys by it: what another machine has appended counts at once. An NFS client may
 * tell a size that is up to a minute old, and asks the server anew only when a file is opened.
 */
export const presentLedgerSizes = (folder: string): Promise<Map<string, number> | null> =>
  sizesIn(folder, async (path) => {
    const file = await open(path, 'r');
    try {
      return (await file.stat()).size;
    } finally {
      await file.close();
    }
  });

async function sizesIn(
  folder: string,
  sizeOf: (path: string) => Promise<number>,
): Promise<Map<string, number> | null> {
  const names = await readdir(folder).catch(nullIfMissing);
  if (!names) return null;
  const sizes = new Map<string, number>();
  for (const name of names) {
    if (!name.endsWith('.jsonl')) continue;
    const size = await sizeOf(join(folder, name)).catch(nullIfMissing);
    if (size !== null) sizes.set(name, size);
  }
  return sizes;
}

const nullIfMissing = (error: NodeJS.ErrnoException): null => {
  if (error.code === 'ENOENT') return null;
  throw error;
};
