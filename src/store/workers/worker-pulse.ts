import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { LAPSE_MS } from '../../core/lapse.ts';
import {
  noteLine,
  openWorkersFolder,
  toRecordName,
  workersFolderOf,
  type WorkerNote,
} from './worker-records.ts';
import { PRIVATE_FILE } from '../../system/files/private-mode.ts';
import { openToAppend } from '../../system/files/regular-file.ts';

/** Two clocks: a machine that was suspended meanwhile stopped the first, one that was set right changed the second. */
export interface Clocks {
  monotonic(): number;
  wall(): number;
}

export const processClocks: Clocks = { monotonic: () => performance.now(), wall: () => Date.now() };

export interface PulseOptions {
  batchFolder: string;
  /** Identity of this process as a file name. */
  owner: string;
  /** Identity of this process. */
  worker: string;
  /** The newest run this process knows of. */
  run(): Promise<number | null>;
  clocks?: Clocks;
  lapseMs?: number;
}

/**
 * The liveness record of this process for one batch. Others take a process for dead whose record has not been renewed
 * for the lapse, be it frozen or cut off from the store, and buy what it had under way. So it counts its own lives:
 * what it knew in an earlier life may have changed, and nothing may be sent by it.
 */
export class WorkerPulse {
  readonly #options: Required<PulseOptions>;
  readonly #path: string;
  /** What the record says so far; `null`: nothing, a header is due. */
  #told: WorkerNote | null = null;
  #renewed: { monotonic: number; wall: number } | null = null;
  #life = 0;
  #aliveSince = Number.POSITIVE_INFINITY;
  #renewing: Promise<void> | null = null;

  constructor(options: PulseOptions) {
    this.#options = { clocks: processClocks, lapseMs: LAPSE_MS, ...options };
    const name = toRecordName(options.owner, randomUUID().slice(0, 8));
    this.#path = join(workersFolderOf(options.batchFolder), name);
  }

  /** When the present life began, by the monotonic clock: what was read before may be out of date. */
  get aliveSince(): number {
    return this.#aliveSince;
  }

  /** Whether others have had no reason to take this process for dead since it was given this number by {@link assure}. */
  holds(life: number): boolean {
    return life === this.#life && this.#ageMs() < this.#options.lapseMs;
  }

  /** Answers the number of the present life, a new one where the last renewal is too old. Throws what the file system throws. */
  async assure(): Promise<number> {
    if (this.#ageMs() >= this.#options.lapseMs) await this.renew();
    return this.#life;
  }

  /** Gives a sign of life. Throws what the file system throws. */
  renew(): Promise<void> {
    return (this.#renewing ??= this.#renew().finally(() => (this.#renewing = null)));
  }

  /** Says that this process has nothing under way and will begin nothing. */
  async leave(): Promise<void> {
    await this.#renewing?.catch(() => {
      // the last note is tried all the same
    });
    await this.#append(noteLine({ left: true, at: new Date(this.#options.clocks.wall()).toISOString() }));
  }

  async #renew(): Promise<void> {
    const { clocks, lapseMs } = this.#options;
    const began = { monotonic: clocks.monotonic(), wall: clocks.wall() };
    const run = await this.#options.run();
    const isNew = this.#told === null;
    await this.#append(isNew || this.#told?.run !== run ? noteLine({ ...this.#header(), run }) : '.');
    this.#told = { run };
    // Of the time that the renewal took, nobody can tell when others saw it.
    if (this.#ageMs() >= lapseMs) {
      this.#life++;
      this.#aliveSince = clocks.monotonic();
    }
    this.#renewed = began;
  }

  #header(): WorkerNote {
    return this.#told === null ? { worker: this.#options.worker } : {};
  }

  #ageMs(): number {
    if (!this.#renewed) return Number.POSITIVE_INFINITY;
    const { clocks } = this.#options;
    return Math.max(clocks.monotonic() - this.#renewed.monotonic, clocks.wall() - this.#renewed.wall);
  }

  /** Opened anew each time: an NFS client shows to others what was written when the file is closed. */
  async #append(text: string): Promise<void> {
    const file = await this.#open();
    try {
      const { size } = await file.stat();
      // The record was removed, or a write was cut off.
      const isGone = size === 0 && this.#told !== null;
      const whose = isGone ? noteLine({ worker: this.#options.worker, ...this.#told }) : '';
      const line = text === '.' || size === 0 ? text : `\n${text}`;
      await file.appendFile(whose + line);
    } finally {
      await file.close();
    }
  }

  async #open() {
    try {
      return await openToAppend(this.#path, PRIVATE_FILE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await openWorkersFolder(this.#options.batchFolder);
      return openToAppend(this.#path, PRIVATE_FILE);
    }
  }
}
