import { chmod } from 'node:fs/promises';

/** Modes of what only this user may read, whatever the umask. */
export const PRIVATE_FOLDER = 0o700;
export const PRIVATE_FILE = 0o600;

/** Mode of a folder that the umask decides about. */
export const SHARED_FOLDER = 0o777;

/** Gives a finished file the mode that the umask says. Where a file system has no modes, it stays as it is. */
export const shareFile = (file: string): Promise<void> =>
  chmod(file, 0o666 & ~process.umask()).catch(() => {
    // the file is whole, and its owner can read it
  });
