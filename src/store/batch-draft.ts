import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PromptItem } from '../core/prompt.ts';
import type { RequestSettings } from '../core/settings.ts';
import type { StoreLocation } from '../core/batch-layout.ts';
import { KeyFileWriter } from './prompts/key-file.ts';
import { type Manifest, promptsFileName } from './manifest/manifest.ts';
import { writeFirstRevision } from './manifest/manifest-revisions.ts';
import { PromptsFile } from './prompts/prompts-file.ts';
import { replaceFile } from '../system/files/replace-file.ts';
import { requestKey } from './prompts/request-key.ts';
import type { AnswerRecord } from './ledger/records.ts';
import { ledgerFolderOf, ledgerRootOf } from './shard-name.ts';
import { cannotWrite } from './store-error.ts';
import { makeFolder, syncFolder } from '../system/files/sync-folder.ts';
import { PRIVATE_FILE, PRIVATE_FOLDER } from '../system/files/private-mode.ts';

const PREFIX = '.draft-';
/** A draft that nobody has written to for so long is one whose command was killed. */
const ABANDONED_MS = 24 * 60 * 60_000;

interface DraftKeys {
  settings: RequestSettings;
  writer: KeyFileWriter;
}

/** Takes prompts in, shard by shard, before it is known what the batch is called. */
export class BatchDraft {
  readonly #folder: string;
  readonly #shardSize: number;
  /** What the prompts ask, for the key file. */
  readonly #keys: DraftKeys | null;
  #file: FileHandle | null = null;
  #lines: string[] = [];
  #buffered = 0;
  #count = 0;

  private constructor(folder: string, shardSize: number, keys: DraftKeys | null) {
    this.#folder = folder;
    this.#shardSize = shardSize;
    this.#keys = keys;
  }

  /** With `settings`, those of its requests, the batch has a key file from the start. */
  static async open(
    { outputDir }: StoreLocation,
    shardSize: number,
    settings?: RequestSettings,
  ): Promise<BatchDraft> {
    const folder = join(outputDir, PREFIX + randomUUID());
    try {
      await removeAbandoned(outputDir);
      await makeFolder(join(folder, 'prompts'));
      const keys = settings ? { settings, writer: await KeyFileWriter.create(folder) } : null;
      return new BatchDraft(folder, shardSize, keys);
    } catch (error) {
      throw cannotWrite(outputDir, error);
    }
  }

  get #prompts(): string {
    return join(this.#folder, 'prompts');
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
    if (this.#keys) {
      const { settings, writer } = this.#keys;
      await this.#written(() => writer.add(requestKey(item, settings)));
    }
    if (this.#buffered > 1 << 18) await this.#written(() => this.#flush());
  }

  /** What was taken in so far, in order, as it is read back. No more may be added. */
  async *items(): AsyncGenerator<{ index: number; item: PromptItem }> {
    await this.#written(() => this.#closeShards());
    for (let shard = 0; shard < this.shards; shard++)
      yield* new PromptsFile(join(this.#prompts, promptsFileName(shard)), {
        firstIndex: shard * this.#shardSize,
      }).all();
  }

  /** Answers that its prompts have from the start, in the ledger of one of its shards; `file` is a name for this process's file. */
  async addAnswers(shard: number, file: string, records: readonly AnswerRecord[]): Promise<void> {
    await this.#written(async () => {
      const folder = ledgerFolderOf(this.#folder, shard);
      await makeFolder(folder);
      const ledger = await open(join(folder, file), 'a', PRIVATE_FILE);
      try {
        await ledger.writeFile(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
        await ledger.sync();
      } finally {
        await ledger.close();
      }
      await syncFolder(folder);
    });
  }

  /** Absolute path of the folder in which it is written. */
  get folder(): string {
    return this.#folder;
  }

  /** Writes all prompts taken in so far, so that a full disk is noticed before anything is started. No more may be added. */
  async finish(): Promise<void> {
    await this.#written(() => this.#closeShards());
  }

  /** Gives the draft its id. False if a batch of that id is there already; the draft then stays as it is. */
  async commit(manifest: Manifest): Promise<boolean> {
    await this.#written(async () => {
      await this.#closeShards();
      await mkdir(ledgerRootOf(this.#folder), PRIVATE_FOLDER);
      await writeFirstRevision(this.#folder, manifest);
    });
    const outputDir = dirname(this.#folder);
    try {
      await rename(this.#folder, join(outputDir, manifest.batch_id));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || (code === 'EPERM' && process.platform === 'win32'))
        return false;
      throw error;
    }
    await this.#written(() => syncFolder(outputDir));
    return true;
  }

  /** Puts the draft into a batch's folder, where it waits under this name to be taken in; `note` says what it is. */
  async stage(batchFolder: string, name: string, noteFile: string, note: unknown): Promise<void> {
    await this.#written(async () => {
      await this.#closeShards();
      await replaceFile(join(this.#folder, noteFile), `${JSON.stringify(note, null, 2)}\n`);
      await rename(this.#folder, join(batchFolder, name));
      await syncFolder(batchFolder);
    });
  }

  async discard(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
    await this.#keys?.writer.discard();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #openShard(): Promise<void> {
    await this.#closeShard();
    const name = promptsFileName(this.#count / this.#shardSize);
    this.#file = await open(join(this.#prompts, name), 'wx', PRIVATE_FILE);
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

  async #closeShards(): Promise<void> {
    await this.#closeShard();
    await this.#keys?.writer.finish();
    await syncFolder(this.#prompts);
  }

  async #closeShard(): Promise<void> {
    await this.#flush();
    await this.#file?.sync();
    await this.#file?.close();
    this.#file = null;
  }
}

async function removeAbandoned(outputDir: string): Promise<void> {
  for (const name of await readdir(outputDir)) {
    if (!name.startsWith(PREFIX)) continue;
    const draft = join(outputDir, name);
    // Its folder of prompts has a new file for each shard; a draft that is committed meanwhile is none any more.
    const changed = await stat(join(draft, 'prompts')).catch(() => null);
    if (!changed || Date.now() - changed.mtimeMs < ABANDONED_MS) continue;
    await rm(draft, { recursive: true, force: true }).catch(() => {
      // Somebody else's, who may remove it himself.
    });
  }
}
