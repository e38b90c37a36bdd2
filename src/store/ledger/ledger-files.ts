import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { presentSize } from '../../system/files/present-size.ts';
import { assertNoLink } from '../no-links.ts';

/** The ledger files of a shard, each with its size in bytes; `null` if there is no such folder. Throws `StoreError` where it is a link. */
export async function ledgerSizes(folder: string): Promise<Map<string, number> | null> {
  await assertNoLink(folder);
  return sizesIn(folder, async (path) => {
    const found = await stat(path).catch(nullIfMissing);
    return found && found.size;
  });
}

/** As {@link ledgerSizes}, for who buys by it: what another machine has appended counts at once. That it is no link is seen when the shard is opened. */
export const presentLedgerSizes = (folder: string): Promise<Map<string, number> | null> =>
  sizesIn(folder, presentSize);

async function sizesIn(
  folder: string,
  sizeOf: (path: string) => Promise<number | null>,
): Promise<Map<string, number> | null> {
  const names = await readdir(folder).catch(nullIfMissing);
  if (!names) return null;
  const sizes = new Map<string, number>();
  for (const name of names) {
    if (!name.endsWith('.jsonl')) continue;
    const size = await sizeOf(join(folder, name));
    if (size !== null) sizes.set(name, size);
  }
  return sizes;
}

const nullIfMissing = (error: NodeJS.ErrnoException): null => {
  if (error.code === 'ENOENT') return null;
  throw error;
};
