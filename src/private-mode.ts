/** Modes of what only this user may read, whatever the umask. */
export const PRIVATE_FOLDER = 0o700;
export const PRIVATE_FILE = 0o600;
/** Modes of what the umask decides about. */
export const SHARED_FOLDER = 0o777;
export const SHARED_FILE = 0o666;
