/** What to do about the file system's error codes. */
const remedies: Record<string, string> = {
  ENOSPC: 'the disk is full; free some space on it or choose a folder on another one',
  EDQUOT: 'your disk quota is used up; free some space or choose a folder on another disk',
  EFBIG: 'the file system or a limit of your shell allows no file of this size; choose another folder',
  EACCES: 'there is no permission to write there; make the folder writable or choose another one',
  EPERM: 'there is no permission to write there; make the folder writable or choose another one',
  EROFS: 'that file system is read-only; choose another folder',
  ENOTDIR: 'a part of that path is a file, not a folder; choose another folder',
  EEXIST: 'something else has that name; move it away or choose another folder',
  ENOENT: 'the folder is gone or cannot be made; choose another one',
  ENAMETOOLONG: 'the path is too long; choose a folder with a shorter one',
  EIO: 'the disk reports an error; check it or choose a folder on another one',
};

/** A file could not be written: the message names it and says what to do. */
export class FileWriteError extends Error {
  readonly code: string;

  constructor(message: string, code: string, cause: unknown) {
    super(message, { cause });
    this.name = 'FileWriteError';
    this.code = code;
  }
}

export const toFileWriteError = (error: unknown, path: string): FileWriteError => {
  if (error instanceof FileWriteError) return error;
  const { code = 'unknown', message } = error as NodeJS.ErrnoException;
  const remedy = remedies[code];
  const reason = remedy === undefined ? message : `${remedy} (${code})`;
  return new FileWriteError(`cannot write ${path}: ${reason}`, code, error);
};
