/** The batch store: one folder per batch with its manifest, its prompts and its ledger. */
import { open, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { PromptItem, StoreLocation } from '../contract.ts';
import { LedgerReader } from './ledger-reader.ts';
import { LedgerWriter } from './ledger-writer.ts';
import { linesOf, readFully } from './lines.ts';
import { type Manifest, MANIFEST_FILE, manifestSchema } from './manifest.ts';
import { replaceFile } from './replace-file.ts';
import { ShardLedger } from './shard-ledger.ts';
import { shardName } from './shard-name.ts';
import { messageOf, StoreError } from './store-error.ts';

export class BatchStore {
  readonly location: StoreLocation;
  readonly batchId: string;
  readonly #folder: string;
  readonly #owner: string;
  readonly #ledgers = new Map<number, ShardLedger>();
  readonly #offsets = new Map<number, Promise<number[]>>();
  #manifest: Manifest | null = null;

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
      throw new StoreError(`${file} is not a batch manifest: ${messageOf(error)}`, { cause: error });
    }
  }

  /** The manifest as last read: for what never changes in it. */
  async manifest(): Promise<Manifest> {
    return this.#manifest ?? (await this.readManifest());
  }

  /** Only ever done by the one who may: the client before a run starts, the run's own activities afterwards. */
  async updateManifest(change: (manifest: Manifest) => Manifest): Promise<Manifest> {
    const manifest = change(await this.readManifest());
    await replaceFile(join(this.#folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
    return (this.#manifest = manifest);
  }

  /** All prompts of a shard, in input order. */
  async *prompts(shard: number): AsyncGenerator<{ index: number; item: PromptItem }> {
    const { shard_size: shardSize } = await this.manifest();
    const file = await open(this.#promptsFile(shard), 'r');
    let index = shard * shardSize;
    try {
      const { size } = await file.stat();
      for await (const { bytes } of linesOf(file, 0, size)) {
        yield { index: index++, item: JSON.parse(bytes.toString('utf8')) as PromptItem };
      }
    } finally {
      await file.close();
    }
  }

  async prompt(shard: number, index: number): Promise<PromptItem> {
    const { shard_size: shardSize } = await this.manifest();
    let offsets = this.#offsets.get(shard);
    if (!offsets) {
      offsets = lineOffsets(this.#promptsFile(shard));
      this.#offsets.set(shard, offsets);
      offsets.catch(() => this.#offsets.delete(shard));
    }
    const at = index - shard * shardSize;
    const [from, to] = (await offsets).slice(at, at + 2);
    if (from === undefined || to === undefined)
      throw new StoreError(`${this.#promptsFile(shard)} has no prompt ${index}`);
    const file = await open(this.#promptsFile(shard), 'r');
    try {
      const bytes = Buffer.alloc(to - from);
      await readFully(file, bytes, from);
      return JSON.parse(bytes.toString('utf8')) as PromptItem;
    } finally {
      await file.close();
    }
  }

  async ledger(shard: number): Promise<ShardLedger> {
    const known = this.#ledgers.get(shard);
    if (known) return known;
    const { prompts, shard_size: shardSize } = await this.manifest();
    const folder = join(this.#folder, 'ledger', shardName(shard));
    const first = shard * shardSize;
    const reader = new LedgerReader(folder, first, Math.min(prompts, first + shardSize) - 1);
    const ledger = this.#ledgers.get(shard) ?? new ShardLedger(reader, new LedgerWriter(folder, this.#owner));
    this.#ledgers.set(shard, ledger);
    return ledger;
  }

  /** Paid answers that this process holds in memory because no write succeeded yet. */
  get unsaved(): number {
    return [...this.#ledgers.values()].reduce((sum, ledger) => sum + ledger.writer.unsaved, 0);
  }

  /** Tries to write what is unsaved. Throws `LedgerWriteError`. */
  async saveUnsaved(): Promise<void> {
    for (const ledger of this.#ledgers.values()) await ledger.writer.saveUnsaved();
  }

  async close(): Promise<void> {
    for (const ledger of this.#ledgers.values()) await ledger.writer.close();
  }

  #promptsFile(shard: number): string {
    return join(this.#folder, 'prompts', `${shardName(shard)}.jsonl`);
  }
}

/** Where each line starts, and after them the file's size. */
async function lineOffsets(path: string): Promise<number[]> {
  const file = await open(path, 'r');
  const offsets = [0];
  let position = 0;
  try {
    for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
      for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, at + 1))
        offsets.push(position + at + 1);
      position += chunk.length;
    }
  } finally {
    await file.close();
  }
  return offsets;
}
