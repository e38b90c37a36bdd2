import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from './sync-folder.ts';
import { PRIVATE_FILE } from './private-mode.ts';

/** Replaces a file whole, readable for this user only: readers see the old text or the new one. `synced`: a power cut does not take it. */
export async function replaceFile(file: string, text: string, { synced = true } = {}): Promise<void> {
  const draft = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  try {
    const handle = await open(draft, 'wx', PRIVATE_FILE);
    try {
      await handle.writeFile(text);
      if (synced) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
    if (synced) await syncFolder(dirname(file));
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
