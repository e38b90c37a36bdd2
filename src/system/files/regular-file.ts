/** Reads files that somebody else may have put there: nothing but a regular file is read, and none is waited for. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Without waiting for the other end of a FIFO or a device. Windows has neither. */
const WITHOUT_WAITING = constants.O_NONBLOCK ?? 0;
/** Where the file itself must be under this name, and no link to one. Windows has no such flag. */
const WITHOUT_LINKS = constants.O_NOFOLLOW ?? 0;
const READ = constants.O_RDONLY | WITHOUT_WAITING;
const APPEND = constants.O_WRONLY | constants.O_APPEND | WITHOUT_WAITING | WITHOUT_LINKS;

/** Far more than any file has that is read whole. */
const MAX_BYTES = 64 * 1024 * 1024;

/** What is under this name is no file, or is larger than any such file. The message names it and what to do. */
export class UnfitFileError extends Error {
  override readonly name = 'UnfitFileError';
}

/** Opens for reading. Throws {@link UnfitFileError} for anything but a regular file, links included; for a folder, what reading one throws. */
export const openRegular = (path: string): Promise<FileHandle> => opened(path, READ | WITHOUT_LINKS);

/** Opens for appending, and creates the file with `mode` if it is missing, unless `mode` is `null`. Throws as {@link openRegular}. */
export const openToAppend = (path: string, mode: number | null): Promise<FileHandle> =>
  mode === null ? opened(path, APPEND) : opened(path, APPEND | constants.O_CREAT, mode);

/** Reads the whole file. Throws as {@link openRegular}, and where it has more than `maxBytes`. */
export async function readRegular(path: string, maxBytes = MAX_BYTES): Promise<Buffer> {
  const file = await openRegular(path);
  try {
    assertSize(path, await file.stat(), maxBytes);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

export const readRegularText = async (path: string, maxBytes = MAX_BYTES): Promise<string> =>
  (await readRegular(path, maxBytes)).toString('utf8');

/** As {@link readRegular}, of a small file of the user's own, which may be a link. */
export function readRegularTextSync(path: string, maxBytes: number): string {
  const file = openSync(path, READ);
  try {
    const found = fstatSync(file);
    assertRegular(path, found);
    assertSize(path, found, maxBytes);
    const bytes = Buffer.alloc(found.size);
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, found.size, 0));
  } finally {
    closeSync(file);
  }
}

/** What is under a name, in a word: `a FIFO`; `null` for a regular file. */
export function kindOf(found: Stats): string | null {
  if (found.isFile()) return null;
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a FIFO';
  if (found.isSocket()) return 'a socket';
  return 'a device';
}

async function opened(path: string, flags: number, mode?: number): Promise<FileHandle> {
  const file = await open(path, flags, mode).catch((error: NodeJS.ErrnoException) => {
    // A FIFO that nobody reads, or a socket.
    if (error.code === 'ENXIO') throw new UnfitFileError(unfit(path, 'a FIFO, a socket or a device'));
    if (error.code === 'ELOOP') throw new UnfitFileError(unfit(path, 'a link'));
    throw error;
  });
  try {
    assertRegular(path, await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function assertRegular(path: string, found: Stats): void {
  const kind = kindOf(found);
  if (kind === null) return;
  if (!found.isDirectory()) throw new UnfitFileError(unfit(path, kind));
  const error = new Error(`EISDIR: illegal operation on a directory, read '${path}'`);
  throw Object.assign(error, { code: 'EISDIR', syscall: 'read', path });
}

function assertSize(path: string, { size }: Stats, maxBytes: number): void {
  if (size > maxBytes)
    throw new UnfitFileError(
      `${path} has ${size} bytes, and no such file has more than ${maxBytes}. Move it away, or put the right one there.`,
    );
}

const unfit = (path: string, kind: string): string =>
  `${path} is ${kind}, where a file was expected. Move it away, or put the file there.`;
