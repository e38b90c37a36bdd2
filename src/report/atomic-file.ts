import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { toFileWriteError } from './file-write-error.ts';
import { PRIVATE_FILE, shareFile } from '../system/files/private-mode.ts';

const BUFFER_CHARACTERS = 64 * 1024;
const RENAME_ATTEMPTS = 10;

/** Windows refuses for a moment while a virus scanner or an indexer has the file open. */
const isHeldByOther = (error: unknown): boolean =>
  process.platform === 'win32' &&
  ['EPERM', 'EACCES', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '');

const renamePatiently = async (from: string, to: string): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(from, to);
    } catch (error) {
      if (attempt === RENAME_ATTEMPTS || !isHeldByOther(error)) throw error;
      await delay(attempt * 20);
    }
  }
};

/**
 * A file that appears under its name only when it is whole, then with the mode that the umask gives. Until then it grows under
 * `<name>.part`, for this user only, which must not exist when it is opened: two writers never share one, and no link is followed.
 * Errors are `FileWriteError`s.
 */
export class AtomicFile {
  readonly path: string;
  #partPath: string;
  #handle: FileHandle;
  #buffer = '';
  #closed = false;
  /** Where the file is now; `null` once it was discarded. */
  #location: string | null;

  private constructor(path: string, partPath: string, handle: FileHandle) {
    this.path = path;
    this.#partPath = partPath;
    this.#handle = handle;
    this.#location = partPath;
  }

  /** Rejects with code `EEXIST` if something has the name of the unfinished file. */
  static async open(path: string): Promise<AtomicFile> {
    const partPath = `${path}.part`;
    try {
      return new AtomicFile(path, partPath, await open(partPath, 'wx+', PRIVATE_FILE));
    } catch (error) {
      throw toFileWriteError(error, partPath);
    }
  }

  async write(chunk: string | Uint8Array): Promise<void> {
    if (typeof chunk === 'string') {
      this.#buffer += chunk;
      if (this.#buffer.length >= BUFFER_CHARACTERS) await this.#flush();
    } else {
      await this.#flush();
      await this.#guard(() => this.#handle.appendFile(chunk));
    }
  }

  /** What was written so far, from the start; nothing may be written afterwards. */
  async *read(): AsyncGenerator<Uint8Array> {
    await this.#flush();
    yield* this.#handle.createReadStream({ start: 0, autoClose: false });
  }

  /** Puts everything on the disk and closes the file, which has the mode of a finished one then. */
  async seal(): Promise<void> {
    await this.#flush();
    await shareFile(this.#handle);
    await this.#guard(() => this.#handle.sync());
    await this.#close();
  }

  /** Gives the sealed file its name, in place of what may be there. */
  async publish(): Promise<void> {
    await this.#guard(() => renamePatiently(this.#partPath, this.path));
    this.#location = this.path;
  }

  /** Closes and removes the file, published or not; once it is gone, does nothing. */
  async discard(): Promise<void> {
    const location = this.#location;
    this.#location = null;
    try {
      await this.#close();
    } finally {
      if (location !== null) await this.#guard(() => rm(location, { force: true }));
    }
  }

  async #flush(): Promise<void> {
    const text = this.#buffer;
    this.#buffer = '';
    if (text !== '') await this.#guard(() => this.#handle.appendFile(text));
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#guard(() => this.#handle.close());
  }

  async #guard<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw toFileWriteError(error, this.path);
    }
  }
}
