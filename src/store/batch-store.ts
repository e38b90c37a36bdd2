/** The batch store: one folder per batch with its manifest, its prompts and its ledger. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { StoreLocation } from '../core/batch-layout.ts';
import { shardRange } from '../core/shard-range.ts';
import { answersOf, noteAnswers } from './reuse/answer-index.ts';
import { layoutOf, type Manifest, promptsFileOf } from './manifest/manifest.ts';
import { readNewestRevision, reviseManifest, type RevisedManifest } from './manifest/manifest-revisions.ts';
import { assertNoLink, assertNoLinks, assertNoTopLinks } from './no-links.ts';
import { batchFolderOf } from './output-folder.ts';
import { OpenShards } from './digests/open-shards.ts';
import { Shard } from './shard.ts';
import { takeDigest } from './digests/shard-digest.ts';
import { ledgerFolderOf, ledgerRootOf } from './shard-name.ts';
import { messageOf, StoreError } from './store-error.ts';

export class BatchStore {
  readonly location: StoreLocation;
  readonly batchId: string;
  readonly #folder: string;
  readonly #owner: string;
  readonly #shards = new OpenShards((shard) => this.#noteIfOver(shard));
  /** How many records each shard's writer had written when its digest was taken. */
  readonly #noted = new WeakMap<Shard, number>();
  #links: Promise<void> | null = null;
  #manifest: RevisedManifest | null = null;
  /** When the newest look at the manifest began, by `performance.now()`. */
  #lookedAt = 0;
  #looking: Promise<Manifest> | null = null;
  #updating: Promise<unknown> = Promise.resolve();

  /** `owner` names this process in its ledger files. Throws {@link StoreError} for an id that is no name of a folder. */
  constructor(location: StoreLocation, batchId: string, owner: string) {
    this.location = location;
    this.batchId = batchId;
    this.#folder = batchFolderOf(location.outputDir, batchId);
    this.#owner = owner;
  }

  get folder(): string {
    return this.#folder;
  }

  isIn(outputDir: string): boolean {
    return resolve(outputDir) === this.location.outputDir;
  }

  /** Reads the newest revision of the manifest. Throws {@link StoreError}. */
  async readManifest(): Promise<Manifest> {
    const lookedAt = performance.now();
    try {
      await assertNoTopLinks(this.#folder);
      const manifest = this.#remember(await readNewestRevision(this.#folder));
      this.#lookedAt = Math.max(this.#lookedAt, lookedAt);
      return manifest;
    } catch (error) {
      if (error instanceof StoreError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      const what =
        code === 'ENOENT' || code === 'ENOTDIR'
          ? `there is no batch ${this.batchId} in ${this.location.outputDir}`
          : `the manifest in ${this.#folder} cannot be read`;
      throw new StoreError(`${what}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Of two reads at a time the older one may end last. */
  #remember(manifest: RevisedManifest): RevisedManifest {
    if (manifest.revision >= (this.#manifest?.revision ?? 0)) this.#manifest = manifest;
    return manifest;
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

  /** Looks once. Throws {@link StoreError} where something in the batch folder is a link. */
  assertNoLinks(): Promise<void> {
    this.#links ??= assertNoLinks(this.#folder).catch((error: unknown) => {
      // The next one who asks looks again.
      this.#links = null;
      throw error;
    });
    return this.#links;
  }

  /** The manifest as last read: for what never changes in it. */
  async manifest(): Promise<Manifest> {
    return this.#manifest ?? (await this.readManifest());
  }

  /** The manifest as it was at most `maxAgeMs` ago, read once for all who ask at a time. Throws {@link StoreError}. */
  async recentManifest(maxAgeMs: number): Promise<Manifest> {
    if (this.#manifest && performance.now() - this.#lookedAt <= maxAgeMs) return this.#manifest;
    this.#looking ??= this.readManifest().finally(() => (this.#looking = null));
    return this.#looking;
  }

  /**
   * Creates the next revision of the manifest, with `change` applied to the newest one. `change` is applied again where
   * another process was faster, so it may depend on nothing but its argument; if it returns that, nothing is written.
   */
  updateManifest(change: (manifest: Manifest) => Manifest): Promise<Manifest> {
    const update = async (): Promise<Manifest> => {
      await this.assertNoLinks();
      await this.readManifest();
      return this.#remember(await reviseManifest(this.#folder, change));
    };
    // One after another: changes of one process need not compete.
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
    await this.assertNoLinks();
    // The look at the whole folder may be long ago.
    if (!this.#shards.has(shard)) {
      const folders = [join(this.#folder, 'prompts'), ledgerRootOf(this.#folder)];
      for (const folder of [...folders, ledgerFolderOf(this.#folder, shard)]) await assertNoLink(folder);
    }
    const { first, last } = shardRange(layoutOf(manifest), shard);
    const place = {
      ...{ batchFolder: this.#folder, promptsFile: promptsFileOf(manifest, shard) },
      ...{ shard, firstIndex: first - 1, lastIndex: last - 1 },
      maxCompletions: manifest.max_completions,
    };
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

  /** As {@link LedgerWriter.syncStarts}, of all shards. */
  async syncStarts(): Promise<void> {
    for (const { writer } of [...this.#shards]) await writer.syncStarts();
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
      const manifest = await this.manifest();
      const { open } = await takeDigest(shard, manifest);
      if (open === 0) await noteAnswers(shard, answersOf(shard, manifest));
    } catch {
      // It only saves time: whoever needs it next reads the ledger, and hears what is wrong.
    }
  }
}
