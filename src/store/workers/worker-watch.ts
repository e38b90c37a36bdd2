import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StandstillWatch } from '../../system/standstill-watch.ts';
import { pidVerdict, type PidVerdict, toFileName } from '../../system/worker-identity.ts';
import { LAPSE_MS } from '../../core/lapse.ts';
import { ownerOfRecord, readNotes, recordSizes, type WorkerNote, workersFolderOf } from './worker-records.ts';
import { readRegularText } from '../../system/files/regular-file.ts';

export interface WatchOptions {
  batchFolder: string;
  lapseMs?: number;
  /** ms, never going back. */
  monotonic?: () => number;
  /** What the process table says of an identity. */
  pidVerdictOf?: (identity: string) => PidVerdict;
}

/** A process that has a record in this batch. */
export interface Peer {
  /** Name of its record. */
  record: string;
  /** In bytes: it grows with each sign of life. */
  size: number;
  /** `null`: its record does not say (yet). */
  worker: string | null;
  isAlive: boolean;
  hasLeft: boolean;
}

/**
 * Watches the liveness records of a batch's workers, and judges which of them are dead: proven so by the process table
 * of this machine, left in good order, or not renewed for the lapse while this process was watching.
 * Reads only. A judgement is as old as the last look.
 */
export class WorkerWatch {
  readonly #folder: string;
  readonly #lapseMs: number;
  readonly #monotonic: () => number;
  readonly #pidVerdictOf: (identity: string) => PidVerdict;
  readonly #standstill = new StandstillWatch();
  readonly #records = new Map<string, { size: number; notes: WorkerNote }>();
  /** How long this process had watched when it was first asked about an owner without a record. */
  readonly #firstAsked = new Map<string, number>();

  constructor({
    batchFolder,
    lapseMs = LAPSE_MS,
    monotonic = () => performance.now(),
    pidVerdictOf = pidVerdict,
  }: WatchOptions) {
    this.#folder = workersFolderOf(batchFolder);
    this.#lapseMs = lapseMs;
    this.#monotonic = monotonic;
    this.#pidVerdictOf = pidVerdictOf;
  }

  /** To be called every few seconds: only what is looked at counts as watched. Throws what the file system throws. */
  async look(): Promise<void> {
    const sizes = await recordSizes(this.#folder);
    for (const [name, size] of sizes) {
      if (this.#records.get(name)?.size === size) continue;
      const text = await readRegularText(join(this.#folder, name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '';
        throw error;
      });
      this.#records.set(name, { size, notes: readNotes(text) });
    }
    this.#standstill.look(sizes, this.#monotonic());
  }

  /** Whether this process may still be at work, or may come back before anybody has called it dead. */
  isAlive(identity: string): boolean {
    const byPid = this.#pidVerdictOf(identity);
    if (byPid === 'dead') return false;
    const owner = toFileName(identity);
    const own = [...this.#records.keys()].filter((name) => ownerOfRecord(name) === owner);
    if (own.length > 0) return own.some((name) => this.#isRenewed(name));
    // It has no record: of an older version, cleared away, or it has begun since the last look.
    const { watchedMs } = this.#standstill;
    const askedAt = this.#firstAsked.get(owner) ?? watchedMs;
    this.#firstAsked.set(owner, askedAt);
    return byPid === 'alive' || watchedMs - askedAt < this.#lapseMs;
  }

  /** All that have, or had, a record since this process began to watch. */
  peers(): Peer[] {
    return [...this.#records].map(([record, { size, notes }]) => ({
      ...{ record, size },
      worker: notes.worker ?? null,
      isAlive: this.#isRenewed(record) && this.#pidVerdictOf(notes.worker ?? '') !== 'dead',
      hasLeft: notes.left === true,
    }));
  }

  /** Removes the records of those that need not be watched any more, whatever comes: they have left, or their pids are gone. */
  async clearAway(): Promise<void> {
    for (const { record, worker, hasLeft } of this.peers()) {
      if (!hasLeft && this.#pidVerdictOf(worker ?? '') !== 'dead') continue;
      await rm(join(this.#folder, record), { force: true });
    }
  }

  #isRenewed(name: string): boolean {
    const isLeft = this.#records.get(name)?.notes.left === true;
    return !isLeft && (this.#standstill.stillMs(name) ?? 0) < this.#lapseMs;
  }
}
