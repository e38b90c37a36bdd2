/** Makes the names in a folder durable: a rename, a link or a new file survives a power cut only after its folder is synced. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PRIVATE_FOLDER } from './private-mode.ts';

/** Some network and user-space file systems cannot sync a folder; their renames are as durable as they get. */
const UNSUPPORTED: ReadonlySet<string> = new Set(['EINVAL', 'ENOTSUP', 'ENOSYS', 'EBADF']);

/** Does nothing on Windows, which has no such call. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync().catch(unlessUnsupported);
  } finally {
    await handle.close();
  }
}

/** As {@link syncFolder}. */
export function syncFolderSync(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } catch (error) {
    unlessUnsupported(error);
  } finally {
    closeSync(descriptor);
  }
}

function unlessUnsupported(error: unknown): void {
  if (!UNSUPPORTED.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
}

/**
 * Makes a folder and the missing ones above it, by default for this user only, each durable in the one that holds it.
 * Returns the topmost one that was made, if any. Throws if a file has its name.
 */
export async function makeFolder(folder: string, mode = PRIVATE_FOLDER): Promise<string | undefined> {
  const first = await mkdir(folder, { recursive: true, mode });
  if (first === undefined) return undefined;
  const above = dirname(first);
  for (let made = folder; made !== above && made !== dirname(made); made = dirname(made))
    await syncFolder(dirname(made));
  return first;
}
