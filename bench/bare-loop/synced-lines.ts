import { type FileHandle, open } from 'node:fs/promises';

/** A file of lines; those that come while a write is under way share the next one and its sync. */
export class SyncedLines {
  readonly #file: FileHandle;
  #waiting: { line: string; written: () => void; failed: (error: unknown) => void }[] = [];
  #busy = false;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<SyncedLines> {
    return new SyncedLines(await open(path, 'a'));
  }

  /** Resolves when the line is synced. */
  append(line: string): Promise<void> {
    return new Promise((written, failed) => {
      this.#waiting.push({ line, written, failed });
      if (!this.#busy) void this.#drain();
    });
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#file.appendFile(group.map(({ line }) => `${line}\n`).join(''));
        await this.#file.datasync();
        for (const { written } of group) written();
      } catch (error) {
        for (const { failed } of group) failed(error);
      }
    }
    this.#busy = false;
  }
}
