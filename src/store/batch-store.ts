/** The batch store: one folder per batch with its manifest, its prompts and its ledger. */
import { randomUUID } from 'node:crypto';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { PromptItem, StoreLocation } from '../contract.ts';
import { LedgerReader } from './ledger-reader.ts';
import { LedgerWriter } from './ledger-writer.ts';
import { linesOf, readFully } from './lines.ts';
import { type Manifest, manifestSchema } from './manifest.ts';

const STORE_FILE = '.durabatch-store';
const MANIFEST_FILE = 'batch.json';
const shardName = (shard: number): string => String(shard).padStart(5, '0');

/** The output folder or a batch in it is not what was expected; the message says what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** Makes the output folder if it is missing, and gives it the UUID that tells it from others. Throws {@link StoreError}. */
export async function openOutputFolder(outputDir: string): Promise<StoreLocation> {
  const path = resolve(outputDir);
  const file = join(path, STORE_FILE);
  try {
    await mkdir(path, { recursive: true });
    // The link makes the file appear whole, and once, whoever else is doing the same.
    const draft = join(path, `.${randomUUID()}.tmp`);
    await writeFile(draft, `${randomUUID()}\n`, { flag: 'wx' });
    try {
      await link(draft, file).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return undefined;
        if (error.code === 'EPERM' || error.code === 'ENOTSUP' || error.code === 'EINVAL')
          return claim(draft, file);
        throw error;
      });
    } finally {
      await rm(draft, { force: true });
    }
  } catch (error) {
    throw cannotWrite(path, error);
  }
  return { kind: 'local', outputDir: path, uuid: await readStoreUuid(path) };
}

const cannotWrite = (outputDir: string, cause: unknown): StoreError =>
  new StoreError(
    `cannot write to the output folder ${outputDir}: ${messageOf(cause)}. ` +
      'Choose a folder you may write to with --output-dir, or make room on its disk.',
    { cause },
  );

/** For file systems without hard links. */
async function claim(draft: string, file: string): Promise<void> {
  const exists = await stat(file).then(
    () => true,
    () => false,
  );
  if (!exists) await rename(draft, file);
}

/** The store an output folder already is. Throws {@link StoreError} if it is none. */
export async function findOutputFolder(outputDir: string): Promise<StoreLocation> {
  const path = resolve(outputDir);
  return { kind: 'local', outputDir: path, uuid: await readStoreUuid(path) };
}

async function readStoreUuid(path: string): Promise<string> {
  const text = await readFile(join(path, STORE_FILE), 'utf8').catch((error: unknown) => {
    throw new StoreError(`${path} is not an output folder of durabatch (no ${STORE_FILE} in it)`, {
      cause: error,
    });
  });
  const uuid = text.trim();
  if (!/^[0-9a-f-]{36}$/.test(uuid))
    throw new StoreError(
      `${join(path, STORE_FILE)}: expected a UUID, got ${JSON.stringify(uuid.slice(0, 40))}`,
    );
  return uuid;
}

/** Ids of the batches in an output folder, as they are spelled on disk. */
export async function listBatches(outputDir: string): Promise<string[]> {
  const entries = await readdir(outputDir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const ids: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue;
    const isBatch = await stat(join(outputDir, entry.name, MANIFEST_FILE)).then(
      (found) => found.isFile(),
      () => false,
    );
    if (isBatch) ids.push(entry.name);
  }
  return ids.sort();
}

/** The spelling on disk of a batch id, compared without case; `null` if there is no such batch. */
export async function findBatch(outputDir: string, id: string): Promise<string | null> {
  const wanted = id.toLowerCase();
  return (await listBatches(outputDir)).find((known) => known.toLowerCase() === wanted) ?? null;
}

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

/** What one process reads and writes of one shard's ledger. */
export class ShardLedger {
  readonly reader: LedgerReader;
  readonly writer: LedgerWriter;

  constructor(reader: LedgerReader, writer: LedgerWriter) {
    this.reader = reader;
    this.writer = writer;
  }
}

/** Takes prompts in, shard by shard, before it is known what the batch is called. */
export class BatchDraft {
  readonly #folder: string;
  readonly #shardSize: number;
  #file: FileHandle | null = null;
  #lines: string[] = [];
  #buffered = 0;
  #count = 0;

  private constructor(folder: string, shardSize: number) {
    this.#folder = folder;
    this.#shardSize = shardSize;
  }

  static async open(location: StoreLocation, shardSize: number): Promise<BatchDraft> {
    const draft = new BatchDraft(join(location.outputDir, `.draft-${randomUUID()}`), shardSize);
    await draft.#written(() => mkdir(join(draft.#folder, 'prompts'), { recursive: true }));
    return draft;
  }

  get prompts(): number {
    return this.#count;
  }

  get shards(): number {
    return Math.ceil(this.#count / this.#shardSize);
  }

  /** Throws {@link StoreError}. */
  async add(item: PromptItem): Promise<void> {
    if (this.#count % this.#shardSize === 0) await this.#written(() => this.#openShard());
    const line = `${JSON.stringify(item)}\n`;
    this.#lines.push(line);
    this.#buffered += line.length;
    this.#count++;
    if (this.#buffered > 1 << 18) await this.#written(() => this.#flush());
  }

  /** Gives the draft its id. False if a batch of that id is there already; the draft is then discarded. */
  async commit(manifest: Manifest): Promise<boolean> {
    await this.#written(async () => {
      await this.#closeShard();
      await replaceFile(join(this.#folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
    });
    try {
      await rename(this.#folder, join(dirname(this.#folder), manifest.batch_id));
      return true;
    } catch (error) {
      await this.discard();
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || (code === 'EPERM' && process.platform === 'win32'))
        return false;
      throw error;
    }
  }

  async discard(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #openShard(): Promise<void> {
    await this.#closeShard();
    const name = `${shardName(this.#count / this.#shardSize)}.jsonl`;
    this.#file = await open(join(this.#folder, 'prompts', name), 'wx');
  }

  async #written(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw cannotWrite(dirname(this.#folder), error);
    }
  }

  async #flush(): Promise<void> {
    await this.#file?.writeFile(this.#lines.join(''));
    this.#lines = [];
    this.#buffered = 0;
  }

  async #closeShard(): Promise<void> {
    await this.#flush();
    await this.#file?.sync();
    await this.#file?.close();
    this.#file = null;
  }
}

/** Replaces a file whole: readers see the old text or the new one. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const draft = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  try {
    const handle = await open(draft, 'wx');
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
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

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
