import { openRegular } from './regular-file.ts';

/**
 * A file's size in bytes, with what another machine has appended; `null`: there is no such file. An NFS client may tell a
 * size by name that is up to a minute old, and asks the server anew only when a file is opened.
 */
export async function presentSize(path: string): Promise<number | null> {
  try {
    const file = await openRegular(path);
    try {
      return (await file.stat()).size;
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
