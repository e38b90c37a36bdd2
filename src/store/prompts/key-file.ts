/**
 * The request keys of a batch's prompts, in order: written once with the prompts, and never changed. By them
 * others find what the batch has answers to without reading its prompts.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BatchStore } from '../batch-store.ts';
import { createWhole } from '../../system/files/create-whole.ts';
import { layoutOf, promptsFileName, promptsFileOf } from '../manifest/manifest.ts';
import { DIGEST_BYTES, type RequestKey, requestKey } from './request-key.ts';
import { makeFolder, syncFolder } from '../../system/files/sync-folder.ts';
import { PRIVATE_FILE } from '../../system/files/private-mode.ts';
import { readRegular } from '../../system/files/regular-file.ts';

/** The number is that of the format and of what is in a key: files of another one are as good as none. */
const HEADER = Buffer.from('durabatch keys 1');
const MAX_TOKENS_BYTES = 8;
const ENTRY_BYTES = DIGEST_BYTES + MAX_TOKENS_BYTES;
const FLUSH_BYTES = 1 << 16;
/** Of some ten million prompts. */
const MAX_BYTES = 512 * 1024 * 1024;

/** Of the prompts the batch began with, or of one addition: named after the file of the first shard of them. */
export const keyFileOf = (batchFolder: string, promptsFile: string): string =>
  join(batchFolder, 'keys', promptsFile.replace(/\.jsonl$/, '.bin'));

export class KeyFileWriter {
  readonly #folder: string;
  #file: FileHandle | null;
  #entries: Buffer[] = [HEADER];
  #bytes = HEADER.length;

  private constructor(folder: string, file: FileHandle) {
    this.#folder = folder;
    this.#file = file;
  }

  /** For a batch that is being drafted in this folder. */
  static async create(draftFolder: string): Promise<KeyFileWriter> {
    const path = keyFileOf(draftFolder, promptsFileName(0));
    await makeFolder(dirname(path));
    return new KeyFileWriter(dirname(path), await open(path, 'wx', PRIVATE_FILE));
  }

  async add(key: RequestKey): Promise<void> {
    this.#entries.push(toEntry(key));
    this.#bytes += ENTRY_BYTES;
    if (this.#bytes >= FLUSH_BYTES) await this.#flush();
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#file?.sync();
    await this.discard();
    await syncFolder(this.#folder);
  }

  async discard(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }

  async #flush(): Promise<void> {
    await this.#file?.writeFile(Buffer.concat(this.#entries));
    this.#entries = [];
    this.#bytes = 0;
  }
}

function toEntry({ digest, maxTokens }: RequestKey): Buffer {
  const entry = Buffer.alloc(ENTRY_BYTES);
  digest.copy(entry, 0, 0, DIGEST_BYTES);
  entry.writeDoubleLE(maxTokens, DIGEST_BYTES);
  return entry;
}

/** The keys of a batch's prompts by their position in the batch. */
export class BatchKeys {
  readonly #entries: Buffer;

  constructor(entries: Buffer) {
    this.#entries = entries;
  }

  get prompts(): number {
    return this.#entries.length / ENTRY_BYTES;
  }

  /** The digest is a view: good as long as these keys are. */
  at(index: number): RequestKey {
    const from = index * ENTRY_BYTES;
    const digest = this.#entries.subarray(from, from + DIGEST_BYTES);
    return { digest, maxTokens: this.#entries.readDoubleLE(from + DIGEST_BYTES) };
  }
}

/** The keys of all prompts of a batch. What a version up to 0.1.0 has made gets its key file now, if it can be written. */
export async function batchKeys(store: BatchStore): Promise<BatchKeys> {
  const manifest = await store.manifest();
  const { parts = [manifest.prompts], shardSize } = layoutOf(manifest);
  const entries: Buffer[] = [];
  let firstShard = 0;
  for (const prompts of parts) {
    const file = keyFileOf(store.folder, promptsFileOf(manifest, firstShard));
    const shards = Math.ceil(prompts / shardSize);
    entries.push((await readEntries(file, prompts)) ?? (await makeEntries(store, file, firstShard, shards)));
    firstShard += shards;
  }
  return new BatchKeys(Buffer.concat(entries));
}

async function readEntries(file: string, prompts: number): Promise<Buffer | null> {
  const bytes = await readRegular(file, MAX_BYTES).catch((error: NodeJS.ErrnoException) => {
    // EISDIR: where there are no hard links, `createWhole` makes a folder.
    if (error.code === 'ENOENT' || error.code === 'EISDIR') return null;
    throw error;
  });
  if (bytes?.length !== HEADER.length + prompts * ENTRY_BYTES) return null;
  return bytes.subarray(0, HEADER.length).equals(HEADER) ? bytes.subarray(HEADER.length) : null;
}

async function makeEntries(
  store: BatchStore,
  file: string,
  firstShard: number,
  shards: number,
): Promise<Buffer> {
  const { settings } = await store.manifest();
  const entries: Buffer[] = [];
  for (let shard = firstShard; shard < firstShard + shards; shard++) {
    await store.withShard(shard, async (opened) => {
      for await (const { item } of opened.prompts()) entries.push(toEntry(requestKey(item, settings)));
    });
  }
  const made = Buffer.concat(entries);
  try {
    await makeFolder(dirname(file));
    await createWhole(file, Buffer.concat([HEADER, made]));
  } catch {
    // It only saves time: a folder that takes no files has its prompts read each time.
  }
  return made;
}
