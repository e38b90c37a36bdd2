/** The batch store: one folder per batch with its manifest, its prompts and its ledger. */
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ZodError } from 'zod';
import type { StoreLocation } from '../contract.ts';
import { shardRange } from '../workflows/shard-range.ts';
import { layoutOf, type Manifest, MANIFEST_FILE, manifestSchema } from './manifest.ts';
import { OpenShards } from './open-shards.ts';
import { replaceFile } from './replace-file.ts';
import { Shard } from './shard.ts';
import { takeDigest } from './shard-digest.ts';
import { ledgerRootOf } from './shard-name.ts';
import { messageOf, StoreError } from './store-error.ts';

export class BatchStore {
  readonly location: StoreLocation;
  readonly batchId: string;
  readonly #folder: string;
  readonly #owner: string;
  readonly #shards = new OpenShards((shard) => this.#noteIfOver(shard));
  /** How many records each shard's writer had written when its digest was taken. */
  readonly #noted = new WeakMap<Shard, number>();
  #manifest: Manifest | null = null;
  #updating: Promise<unknown> = Promise.resolve();

  /** `owner` names this process in its ledger files. */
  constructor(location: StoreLocation, batchId: string, owner: string) {
    this.location = location;
    this.batchId = batchId;
    this.#folder = join(location.outputDir, batchId);
    this.#owner = owner;
  }

  get folder(): string {
    return this.#folder;
  }

  isIn(outputDir: string): boolean {
    return resolve(outputDir) === this.location.outputDir;
  }

  /** Reads `batch.json` afresh. Throws {@link StoreError}. */
  async readManifest(): Promise<Manifest> {
    const file = join(this.#folder, MANIFEST_FILE);
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new StoreError(
        `there is no batch ${this.batchId} in ${this.location.outputDir}: ${messageOf(error)}`,
        { cause: error },
      );
    });
    try {
      return (this.#manifest = manifestSchema.parse(JSON.parse(text)));
    } catch (error) {
      throw new StoreError(`${file} is not a batch manifest: ${flawOf(error)}`, { cause: error });
    }
  }

  /** Throws {@link StoreError} where somebody has taken the ledger away: everything would be bought again. */
  async requireLedger(): Promise<void> {
    const ledger = ledgerRootOf(this.#folder);
    await stat(ledger).catch((error: unknown) => {
      throw new StoreError(
        `${ledger} is missing. It holds every answer that was paid for, and without it all of them would be bought again: ` +
          'put it back. Should it be lost, --new makes another batch of the same prompts.',
        { cause: error },
      );
    });
  }

  /** The manifest as last read: for what never changes in it. */
  async manifest(): Promise<Manifest> {
    return this.#manifest ?? (await this.readManifest());
  }

  /** Only ever done by the one who may: the client before a run starts, the run's own activities afterwards. */
  updateManifest(change: (manifest: Manifest) => Manifest): Promise<Manifest> {
    const update = async (): Promise<Manifest> => {
      const manifest = change(await this.readManifest());
      await replaceFile(join(this.#folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
      return (this.#manifest = manifest);
    };
    // One after another: each reads what the one before it has written.
    const updated = this.#updating.then(update, update);
    this.#updating = updated;
    return updated;
  }

  /**
   * Works on a shard with what this process has open of it: one reader and one writer for all who do so
   * at a time. Nobody may use them after `work` has ended.
   */
  async withShard<T>(shard: number, work: (shard: Shard) => Promise<T>): Promise<T> {
    const open = await this.openShard(shard);
    try {
      return await work(open);
    } finally {
      await open.release();
    }
  }

  /** As {@link withShard}, for who must call `release` himself in the end. */
  async openShard(shard: number): Promise<Shard> {
    const known = this.#manifest ?? (await this.readManifest());
    // Prompts may have been added since it was read.
    const manifest = shard < known.shards ? known : await this.readManifest();
    const { first, last } = shardRange(layoutOf(manifest), shard);
    const place = { batchFolder: this.#folder, shard, firstIndex: first - 1, lastIndex: last - 1 };
    return this.#shards.use(shard, (release) => new Shard(place, this.#owner, release));
  }

  /** Paid answers that this process holds in memory because no write succeeded yet. */
  get unsaved(): number {
    return [...this.#shards].reduce((sum, { writer }) => sum + writer.unsaved, 0);
  }

  /** Tries to write what is unsaved, faults too, which {@link unsaved} does not count. Throws `LedgerWriteError`. */
  async saveUnsaved(): Promise<void> {
    for (const { writer } of [...this.#shards]) await writer.saveUnsaved();
  }

  close(): Promise<void> {
    return this.#shards.close();
  }

  /** The one who writes a shard's last end notes what the shard comes to. */
  async #noteIfOver(shard: Shard): Promise<void> {
    const { written, unsaved } = shard.writer;
    if (shard.reader.open > 0 || unsaved > 0 || written === (this.#noted.get(shard) ?? 0)) return;
    this.#noted.set(shard, written);
    try {
      await takeDigest(shard, await this.manifest());
    } catch {
      // It only saves time: whoever needs it next reads the ledger, and hears what is wrong.
    }
  }
}

/** The first thing that is wrong with it, in a line. */
function flawOf(error: unknown): string {
  const issue = error instanceof ZodError ? error.issues[0] : undefined;
  return issue ? [...issue.path, issue.message].join(': ') : messageOf(error);
}
