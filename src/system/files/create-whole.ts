/** Creates a file once and whole: of several processes that create the same one, exactly one succeeds. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from './sync-folder.ts';
import { PRIVATE_FILE, PRIVATE_FOLDER, SHARED_FOLDER, shareFile } from './private-mode.ts';
import { readRegularText } from './regular-file.ts';

/** What file systems without hard links answer; libuv says EISDIR for Windows' "invalid function". */
const NO_LINKS: ReadonlySet<string> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EINVAL',
  'EISDIR',
]);

/** What a rename onto a folder that is not empty, or onto a file, answers. */
const TAKEN: ReadonlySet<string> = new Set(['EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM']);

/** What reading a folder as a file answers. */
const IS_FOLDER: ReadonlySet<string> = new Set(['EISDIR', 'EPERM', 'EACCES']);

/** Name of the text in the folder that stands in for the file where there are no hard links. */
const TEXT_FILE = 'text';

/**
 * Creates `file` with `text`, durable when it resolves. False if something has that name already; then nothing has
 * changed. A reader sees the whole text or no file. `isShared`: with the mode that the umask gives, else for this user only.
 * `linkFile` is replaced only by tests.
 *
 * Where the file system has no hard links, `file` is a folder with the text in it: renaming a folder is the one
 * other operation that is exclusive everywhere. {@link readWhole} reads both.
 */
export async function createWhole(
  file: string,
  text: string | Uint8Array,
  { isShared = false, linkFile = link } = {},
): Promise<boolean> {
  const draft = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  try {
    await writeSynced(draft, text, isShared);
    try {
      await linkFile(draft, file);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      // A network file system may have done it, lost its answer, and done it again.
      const isOurs = code === 'EEXIST' && (await stat(draft)).nlink > 1;
      if (code === 'EEXIST' && !isOurs) return false;
      if (!isOurs && !NO_LINKS.has(code)) throw error;
      if (!isOurs && !(await createAsFolder(file, text, isShared))) return false;
    }
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(dirname(file));
  return true;
}

/** The text of what {@link createWhole} has made. Throws as `readRegular` does, also where it has more than `maxBytes`. */
export async function readWhole(file: string, maxBytes?: number): Promise<string> {
  try {
    return await readRegularText(file, maxBytes);
  } catch (error) {
    if (!IS_FOLDER.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return readRegularText(join(file, TEXT_FILE), maxBytes).catch(() => {
      throw error;
    });
  }
}

async function createAsFolder(file: string, text: string | Uint8Array, isShared: boolean): Promise<boolean> {
  const draft = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  try {
    await mkdir(draft, isShared ? SHARED_FOLDER : PRIVATE_FOLDER);
    await writeSynced(join(draft, TEXT_FILE), text, isShared);
    await syncFolder(draft);
    await rename(draft, file);
    return true;
  } catch (error) {
    if (TAKEN.has((error as NodeJS.ErrnoException).code ?? '') && (await isThere(file))) return false;
    throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

const isThere = (file: string): Promise<boolean> =>
  readWhole(file).then(
    () => true,
    () => false,
  );

async function writeSynced(file: string, text: string | Uint8Array, isShared: boolean): Promise<void> {
  const handle = await open(file, 'wx', PRIVATE_FILE);
  try {
    await handle.writeFile(text);
    if (isShared) await shareFile(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
