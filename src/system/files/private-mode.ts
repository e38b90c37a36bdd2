import type { FileHandle } from 'node:fs/promises';

/** Modes of what only this user may read, whatever the umask. */
export const PRIVATE_FOLDER = 0o700;
export const PRIVATE_FILE = 0o600;

/** Mode of a folder that the umask decides about. */
export const SHARED_FOLDER = 0o777;

/**
 * Gives a file the mode that the umask says, before it gets the name under which others look for it. Takes an open file: by
 * then, a name may be a link that somebody else has put there. Where a file system has no modes, it stays as it is.
 */
export const shareFile = (file: FileHandle): Promise<void> =>
  file.chmod(0o666 & ~process.umask()).catch(() => {
    // its owner can read it
  });
