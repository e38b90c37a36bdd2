/** The usable answers of a shard, noted beside its ledger: a lookup of answers to reuse reads this note instead of the ledger. */
import { join } from 'node:path';
import * as z from 'zod';
import { shardRange } from '../../core/shard-range.ts';
import type { BatchStore } from '../batch-store.ts';
import { ledgerSizes } from '../ledger/ledger-files.ts';
import { layoutOf, type Manifest } from '../manifest/manifest.ts';
import type { AnswerMeta, PromptHistory, RecordLocation } from '../ledger/prompt-history.ts';
import type { AnswerRecord } from '../ledger/records.ts';
import { readRegularText } from '../../system/files/regular-file.ts';
import { replaceFile } from '../../system/files/replace-file.ts';
import type { Shard } from '../shard.ts';
import { areSameSizes, isUnchanged } from '../digests/shard-sizes.ts';
import { ledgerFolderOf } from '../shard-name.ts';
import { type ChosenAnswer, isUsable, LENIENT, promptStateOf } from '../ledger/prompt-state.ts';

/** One sample of one response, whatever copies of it there are. */
export interface Origin {
  /** Id of the record that was bought. */
  answer: string;
  /** Which sample of that record. */
  sample: number;
}

export const originOf = ({ id, reused }: Pick<AnswerRecord, 'id' | 'reused'>, sample: number): Origin =>
  reused ? { answer: reused.answer, sample: reused.sample ?? sample } : { answer: id, sample };

/** One usable sample of a prompt. */
export interface UsableAnswer {
  /** Position of its prompt in its batch. */
  index: number;
  sample: number;
  /** It ended by itself, not at its token limit. */
  isComplete: boolean;
  /** When it was answered first, in ms since 1970. */
  answeredAt: number;
  /** Token limit that a copy was bought with, `null` where it is not on record. Absent: that of its prompt. */
  maxTokens?: number | null;
  origin: Origin;
  location: RecordLocation;
}

const FILE = 'answers.json';
const numbers = z.array(z.number());
const noteSchema = z.object({
  format: z.literal(1),
  /** Includes what failed prompts did not use. Earlier builds left that out: a note without this field is made again. */
  unused: z.literal(true),
  /** Valid for ledger files of exactly these names and sizes. */
  files: z.record(z.string(), z.number()),
  /** Column by column, in order of prompt: half as large as row by row, and read in half the time. */
  index: numbers,
  sample: numbers,
  /** 1: it ended by itself. */
  complete: numbers,
  at: numbers,
  /** 0: that of its prompt. Earlier builds left the column out, as with `unused`. */
  maxTokens: z.array(z.number().nullable()),
  origin: z.array(z.string()),
  originSample: numbers,
  /** Position among the names of `files`. */
  file: numbers,
  offset: numbers,
  length: numbers,
});
type Note = z.infer<typeof noteSchema>;

/** Returns the usable answers of a shard in order of prompt. Throws what its reader throws. */
export async function usableAnswers(store: BatchStore, shard: number): Promise<UsableAnswer[]> {
  const manifest = await store.manifest();
  const folder = ledgerFolderOf(store.folder, shard);
  const sizes = await ledgerSizes(folder);
  if (!sizes) return [];
  const note = await readNote(folder, sizes);
  if (note) return fromNote(note);
  return store.withShard(shard, async (open) => {
    await open.reader.refresh();
    const answers = answersOf(open, manifest);
    await noteAnswers(open, answers);
    return answers;
  });
}

/** Returns the usable answers by what the shard's reader last read. */
export function answersOf({ shard, reader }: Shard, manifest: Manifest): UsableAnswer[] {
  const answers: UsableAnswer[] = [];
  const { first, last } = shardRange(layoutOf(manifest), shard);
  for (let index = first - 1; index < last; index++) {
    const history = reader.history(index);
    if (history.answers.length === 0) continue;
    for (const { sample, answer, finishReason } of usableOf(history, manifest))
      answers.push({
        ...{ index, sample, isComplete: finishReason === 'stop' },
        answeredAt: Date.parse(answer.reused?.at ?? answer.at),
        ...limitOf(answer),
        origin: originOf(answer, sample),
        location: answer.location,
      });
  }
  return answers;
}

/** Version 0.1.0, which noted no time either, reused answers to the same token limit only. Later builds may have copied one to a smaller limit. */
function limitOf({ reused }: AnswerMeta): Pick<UsableAnswer, 'maxTokens'> {
  if (!reused || (reused.at === undefined && reused.maxTokens === undefined)) return {};
  return { maxTokens: reused.maxTokens ?? null };
}

/**
 * Returns the samples that the prompt uses, and then, if it failed, its other usable ones: `--reject-truncated` discards
 * answers that a batch without it can use.
 */
function usableOf(history: PromptHistory, manifest: Manifest): ChosenAnswer[] {
  const { settled, chosen } = promptStateOf(history, mostSamples(history.answers, manifest));
  if (settled?.status !== 'failed') return chosen;
  const unused = history.answers.flatMap((answer) =>
    answer.choices
      .filter((choice) => isUsable(choice, LENIENT))
      .filter(({ sample }) => !chosen.some((each) => each.answer === answer && each.sample === sample))
      .map(({ sample, finishReason }) => ({ sample, answer, finishReason })),
  );
  return [...chosen, ...unused];
}

/** No prompt has more than the batch's most, whatever a record says. */
const mostSamples = (answers: readonly AnswerMeta[], { max_completions: limit }: Manifest): number =>
  answers.reduce(
    (most, { choices }) =>
      choices.reduce((found, { sample }) => Math.min(limit, Math.max(found, sample)), most),
    0,
  );

/** Notes the answers that {@link answersOf} found. Does nothing if the ledger has grown since, or if its folder takes no files. */
export async function noteAnswers(shard: Shard, answers: readonly UsableAnswer[]): Promise<void> {
  const sizes = shard.reader.sizes();
  if (!sizes || !isUnchanged(sizes, await ledgerSizes(shard.ledgerFolder), shard)) return;
  const names = [...sizes.keys()];
  const note: Note = {
    ...{ format: 1, unused: true, files: Object.fromEntries(sizes) },
    index: answers.map(({ index }) => index),
    sample: answers.map(({ sample }) => sample),
    complete: answers.map(({ isComplete }) => Number(isComplete)),
    at: answers.map(({ answeredAt }) => answeredAt),
    maxTokens: answers.map(({ maxTokens = 0 }) => maxTokens),
    origin: answers.map(({ origin }) => origin.answer),
    originSample: answers.map(({ origin }) => origin.sample),
    file: answers.map(({ location }) => names.indexOf(location.file)),
    offset: answers.map(({ location }) => location.offset),
    length: answers.map(({ location }) => location.length),
  };
  await replaceFile(join(shard.ledgerFolder, FILE), `${JSON.stringify(note)}\n`, { synced: false }).catch(
    () => {
      // The next lookup reads the ledger.
    },
  );
}

/** Returns the note if it was made of ledger files of exactly these names and sizes. If anything else is wrong with it, the ledger is read. */
async function readNote(folder: string, sizes: ReadonlyMap<string, number>): Promise<Note | null> {
  try {
    const note = noteSchema.parse(JSON.parse(await readRegularText(join(folder, FILE))));
    return areSameSizes(new Map(Object.entries(note.files)), sizes) ? note : null;
  } catch {
    return null;
  }
}

function fromNote({ files, ...columns }: Note): UsableAnswer[] {
  const names = Object.keys(files);
  const answers: UsableAnswer[] = [];
  for (let at = 0; at < columns.index.length; at++) {
    const maxTokens = columns.maxTokens[at]!;
    answers.push({
      index: columns.index[at]!,
      sample: columns.sample[at]!,
      isComplete: columns.complete[at] === 1,
      answeredAt: columns.at[at]!,
      ...(maxTokens !== 0 && { maxTokens }),
      origin: { answer: columns.origin[at]!, sample: columns.originSample[at]! },
      location: { file: names[columns.file[at]!]!, offset: columns.offset[at]!, length: columns.length[at]! },
    });
  }
  return answers;
}
