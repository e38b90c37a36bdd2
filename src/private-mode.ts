/** Modes of what only this user may read, whatever the umask. */
export const PRIVATE_FOLDER = 0o700;
export const PRIVATE_FILE = 0o600;

/** Mode of a folder that the umask decides about. */
export const SHARED_FOLDER = 0o777;

/** Mode of a finished file that the umask decides about. */
export const sharedMode = (): number => 0o666 & ~process.umask();
