import { join } from 'node:path';
import type { PromptItem } from '../core/prompt.ts';
import { LedgerReader } from './ledger/ledger-reader.ts';
import { LedgerWriter } from './ledger/ledger-writer.ts';
import { PromptsFile } from './prompts/prompts-file.ts';
import { ledgerFolderOf } from './shard-name.ts';

/** Where a shard is, and which prompts it has, by their positions in the batch. */
export interface ShardPlace {
  batchFolder: string;
  /** Name of its prompt file. */
  promptsFile: string;
  shard: number;
  firstIndex: number;
  lastIndex: number;
  /** Most completions that a prompt of the batch asks for. */
  maxCompletions: number;
}

/** What this process has open of one shard: shared by all who work on it at a time. */
export class Shard {
  readonly shard: number;
  readonly ledgerFolder: string;
  readonly reader: LedgerReader;
  readonly writer: LedgerWriter;
  readonly #prompts: PromptsFile;
  readonly #release: () => Promise<void>;

  /** `owner` names this process in its ledger files. */
  constructor(place: ShardPlace, owner: string, release: () => Promise<void>) {
    const { batchFolder, promptsFile, shard, firstIndex, lastIndex, maxCompletions } = place;
    this.shard = shard;
    this.ledgerFolder = ledgerFolderOf(batchFolder, shard);
    this.reader = new LedgerReader(this.ledgerFolder, firstIndex, lastIndex);
    this.writer = new LedgerWriter(this.ledgerFolder, owner, this.reader);
    this.#prompts = new PromptsFile(join(batchFolder, 'prompts', promptsFile), {
      ...{ firstIndex, lastIndex, maxCompletions },
    });
    this.#release = release;
  }

  prompt(index: number): Promise<PromptItem> {
    return this.#prompts.read(index);
  }

  /** All of them, in input order. */
  prompts(): AsyncGenerator<{ index: number; item: PromptItem }> {
    return this.#prompts.all();
  }

  /** To be called once by each who got it. */
  release(): Promise<void> {
    return this.#release();
  }

  close(): Promise<void> {
    return this.writer.close();
  }
}
