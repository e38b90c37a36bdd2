/**
 * Which answers of other batches a batch reuses: decided before a run starts, and noted for each shard. The texts are
 * copied when the shard is opened. A plan is created whole, exclusively, and never changes; later ones only add to it.
 */
import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { PRIVATE_FILE } from '../../system/files/private-mode.ts';
import { readRegularText } from '../../system/files/regular-file.ts';
import { shardOfPrompt, type ShardRanges } from '../../core/shard-range.ts';
import type { BatchStore } from '../batch-store.ts';
import { layoutOf, promptsFileName } from '../manifest/manifest.ts';
import { type AnswerCopy, copyAnswers } from './reused-answers.ts';
import { ledgerFolderOf } from '../shard-name.ts';
import { isUsable, type Judgement, promptStateOf } from '../ledger/prompt-state.ts';
import { cannotWrite, messageOf, StoreError } from '../store-error.ts';
import { makeFolder, syncFolder } from '../../system/files/sync-folder.ts';

const PLAN = /^\d{6}$/;
const HEADER = JSON.stringify({ format: 1 });
/** Characters held in memory at most before they are written. */
const HELD_CHARACTERS = 8_000_000;
/** Files written at a time. */
const FILES_AT_A_TIME = 16;

/** An answer of another batch of the same output folder. */
export interface PlannedAnswer extends AnswerCopy {
  /** The shard of that batch. */
  shard: number;
}

/** Of a folder or a file: never a path. */
const plainName = z
  .string()
  .max(300)
  .regex(/^(?!\.)[^/\\\0]+$/, 'expected a name, not a path');

const headerSchema = z.object({ format: z.literal(1) });
/**
 * Where the answers that follow are: a batch of the same output folder, its shard, and a ledger file. `max_tokens` is the
 * limit that they were bought with; absent in plans of before, and where it is not on record.
 */
const sourceSchema = z.object({
  batch: plainName,
  shard: z.int().min(0),
  file: plainName.endsWith('.jsonl'),
  max_tokens: z.number().optional(),
});
/** `index`, `sample`, `from`, `origin.answer`, `origin.sample`, `offset`, `length` of an answer. */
const rowSchema = z.tuple([z.int(), z.int(), z.int(), z.string(), z.int(), z.int().min(0), z.int().min(0)]);

const plansFolderOf = (batchFolder: string): string => join(batchFolder, 'reuse');

/** Names of a batch's plans, the newest first. */
async function planNames(batchFolder: string): Promise<string[]> {
  const names = await readdir(plansFolderOf(batchFolder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => PLAN.test(name)).toSorted((a, b) => b.localeCompare(a));
}

/** Returns the answers that are planned for a shard, copied already or not, those of the newest plan first. Throws {@link StoreError}. */
export async function plannedAnswers(
  { folder, location }: Pick<BatchStore, 'folder' | 'location'>,
  shard: number,
): Promise<PlannedAnswer[]> {
  const planned: PlannedAnswer[] = [];
  for (const name of await planNames(folder)) {
    const file = join(plansFolderOf(folder), name, promptsFileName(shard));
    try {
      const text = await readRegularText(file);
      planned.push(...parsePlan(text, location.outputDir));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw new StoreError(
        `${file} cannot be read: ${messageOf(error)}. It says which answers of other batches are reused. ` +
          'Restore it; if you remove it, the answers it names are bought.',
        { cause: error },
      );
    }
  }
  return planned;
}

function* parsePlan(text: string, outputDir: string): Generator<PlannedAnswer> {
  const [header = '', ...lines] = text.split('\n');
  headerSchema.parse(JSON.parse(header));
  let source = { batchId: '', shard: 0, ledgerFolder: '', file: '', maxTokens: null as number | null };
  for (const line of lines) {
    if (line === '') continue;
    const value: unknown = JSON.parse(line);
    if (!Array.isArray(value)) {
      const { batch, shard, file, max_tokens: maxTokens = null } = sourceSchema.parse(value);
      const ledgerFolder = ledgerFolderOf(join(outputDir, batch), shard);
      source = { batchId: batch, shard, ledgerFolder, file, maxTokens };
      continue;
    }
    const [index, sample, from, answer, originSample, offset, length] = rowSchema.parse(value);
    const { file, ...place } = source;
    yield {
      ...{ index, sample, from, ...place },
      origin: { answer, sample: originSample },
      location: { file, offset, length },
    };
  }
}

interface ShardLines {
  /** The last source line. */
  source: string;
  held: string[];
}

/** Collects the answers of a new plan, in a draft that nobody reads. */
export class ReusePlanWriter {
  readonly #plans: string;
  readonly #draft: string;
  readonly #name: string;
  readonly #layout: ShardRanges;
  readonly #shards = new Map<number, ShardLines>();
  #characters = 0;

  private constructor(batchFolder: string, last: string | undefined, layout: ShardRanges) {
    this.#plans = plansFolderOf(batchFolder);
    this.#draft = join(this.#plans, `.draft-${randomUUID()}`);
    this.#name = String(Number(last ?? 0) + 1).padStart(6, '0');
    this.#layout = layout;
  }

  /** To be called before the plans are read that the new one adds to. */
  static async open(store: BatchStore): Promise<ReusePlanWriter> {
    const [last] = await planNames(store.folder);
    return new ReusePlanWriter(store.folder, last, layoutOf(await store.manifest()));
  }

  /** Throws {@link StoreError}. */
  async add(answers: readonly PlannedAnswer[]): Promise<void> {
    for (const { index, sample, from, origin, maxTokens, batchId, shard, location } of answers) {
      const { file, offset, length } = location;
      const to = shardOfPrompt(this.#layout, index);
      let lines = this.#shards.get(to);
      if (!lines) this.#shards.set(to, (lines = { source: '', held: [HEADER] }));
      const source = JSON.stringify({
        ...{ batch: batchId, shard, file },
        ...(maxTokens !== null && { max_tokens: maxTokens }),
      });
      if (lines.source !== source) lines.held.push((lines.source = source));
      const row = JSON.stringify([index, sample, from, origin.answer, origin.sample, offset, length]);
      lines.held.push(row);
      this.#characters += row.length;
    }
    if (this.#characters > HELD_CHARACTERS) await this.#write();
  }

  /**
   * Makes the plan durable. False if another process was faster: then this plan may not know what that one gives away,
   * and nothing of it counts. Throws {@link StoreError}.
   */
  async commit(): Promise<boolean> {
    if (this.#shards.size === 0) return true;
    await this.#write();
    try {
      await syncFolder(this.#draft);
      await rename(this.#draft, join(this.#plans, this.#name));
      await syncFolder(this.#plans);
      return true;
    } catch (error) {
      await this.discard();
      const { code = '' } = error as NodeJS.ErrnoException;
      const isTaken = (await planNames(dirname(this.#plans))).includes(this.#name);
      if (isTaken && ['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(code)) return false;
      throw cannotWrite(this.#plans, error);
    }
  }

  discard(): Promise<void> {
    return rm(this.#draft, { recursive: true, force: true });
  }

  /** Appends what is held to the files of the draft, and syncs them. */
  async #write(): Promise<void> {
    try {
      await makeFolder(this.#draft);
      const shards = [...this.#shards].filter(([, { held }]) => held.length > 0);
      while (shards.length > 0)
        await Promise.all(
          shards.splice(0, FILES_AT_A_TIME).map(([shard, lines]) => this.#append(shard, lines)),
        );
    } catch (error) {
      throw cannotWrite(this.#plans, error);
    }
    this.#characters = 0;
  }

  async #append(shard: number, lines: ShardLines): Promise<void> {
    const text = lines.held.map((line) => `${line}\n`).join('');
    lines.held = [];
    const file = await open(join(this.#draft, promptsFileName(shard)), 'a', PRIVATE_FILE);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** Planned answers that could not be read: their batch was removed, or its ledger is damaged. */
export interface LostAnswers {
  completions: number;
  batchIds: string[];
  /** Why the first one could not be read. */
  reason: string;
}

/**
 * Copies the answers that are planned for a shard into its ledger, those that its prompts still lack by the run's
 * `judgement`. Answers that cannot be read are left to be bought. Done twice, or by two workers at a time, it is the same
 * as done once.
 */
export async function copyPlanned(
  store: BatchStore,
  shard: number,
  judgement: Judgement,
  now: Date,
): Promise<LostAnswers | null> {
  const planned = await plannedAnswers(store, shard);
  if (planned.length === 0) return null;
  const lost = new Map<string, { batchId: string; error: unknown }>();
  await store.withShard(shard, async ({ reader, writer }) => {
    await reader.refresh();
    const taken = new Set<string>();
    function* lacking(): Generator<PlannedAnswer> {
      for (const answer of planned) {
        const { index, sample } = answer;
        if (taken.has(nameOf(answer))) continue;
        const { settled, missing } = promptStateOf(reader.history(index), sample, undefined, judgement);
        if (settled || !missing.includes(sample)) continue;
        taken.add(nameOf(answer));
        lost.delete(nameOf(answer));
        yield answer;
      }
    }
    await copyAnswers(lacking(), {
      now,
      write: async (records) => {
        // One that was planned when cut off answers were good enough would now make its prompt fail.
        const usable = records.filter(({ choices }) =>
          choices.every(({ finishReason }) => isUsable({ finishReason, blank: false }, judgement)),
        );
        await Promise.all(usable.map((record) => writer.append(record, { durable: true })));
      },
      onLost: (answer, error) => {
        // An older plan may have another answer for it.
        taken.delete(nameOf(answer));
        lost.set(nameOf(answer), { batchId: answer.batchId, error });
      },
    });
  });
  const [first] = lost.values();
  if (!first) return null;
  const batchIds = [...new Set([...lost.values()].map(({ batchId }) => batchId))];
  return { completions: lost.size, batchIds, reason: messageOf(first.error) };
}

/** Names the sample of the batch that an answer is for. */
export const nameOf = ({ index, sample }: Pick<AnswerCopy, 'index' | 'sample'>): string =>
  `${index}-${sample}`;
