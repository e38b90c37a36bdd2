/** Answers to identical requests, taken over from other batches instead of being bought again. */
import { readShardPrompts } from '../store/batch-reading.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { batchKeys } from '../store/key-file.ts';
import type { LedgerReader } from '../store/ledger-reader.ts';
import { layoutOf } from '../store/manifest.ts';
import type { AnswerMeta } from '../store/prompt-history.ts';
import type { AnswerRecord, ReusedFrom } from '../store/records.ts';
import { hasSeed, type RequestKey } from '../store/request-key.ts';
import { shardDigest } from '../store/shard-digests.ts';
import { standingOf } from '../store/standing.ts';
import { shardOfPrompt, shardRange } from '../workflows/shard-range.ts';
import { type AskedKeys, type ReuseSource, type SkipNote } from './reuse-sources.ts';
import { originName, WantedAnswers } from './wanted-answers.ts';

export interface ReuseRules {
  /** Answers that were cut off at their token limit are no good. */
  rejectTruncated: boolean;
  /** Only answers of this time or later, in ms since 1970; `null`: of any. */
  answeredSince: number | null;
  /** Complete answers to the same request with a smaller token limit too. */
  longer: boolean;
}

/** An answer that is there for a prompt. */
export interface Reusable {
  /** Position of the prompt in the new batch. */
  index: number;
  sample: number;
  /** The batch that it is taken from, and which sample of it. */
  batchId: string;
  from: number;
  answer: AnswerMeta;
  /** When it was answered, ISO 8601, UTC. */
  answeredAt: string;
  /** Good until the next answer is asked for. */
  reader: LedgerReader;
}

/** What a batch still lacks of what these keys ask, and the answers that it has for them. */
export async function wantedBy(store: BatchStore, asked: AskedKeys): Promise<WantedAnswers> {
  const wanted = new WantedAnswers();
  if (asked.isEmpty) return wanted;
  const manifest = await store.manifest();
  const keys = await batchKeys(store);
  const layout = layoutOf(manifest);
  const closed: number[] = [];
  for (let shard = 0; shard < manifest.shards; shard++) {
    const { first, last } = shardRange(layout, shard);
    if (
      !hasAny(
        (index) => keys.at(index),
        first - 1,
        last - 1,
        ({ digest }) => asked.has(digest),
      )
    )
      continue;
    if ((await shardDigest(store, shard)).open === 0) {
      closed.push(shard);
      continue;
    }
    for await (const { index, item, history, standing } of readShardPrompts(store, shard)) {
      const key = keys.at(index);
      if (!asked.has(key.digest)) continue;
      holdAll(wanted, history.answers);
      if (!standing.settled) wanted.add({ key, index, missing: standing.missing, isSeeded: hasSeed(item) });
    }
  }
  await holdOwn(wanted, store, closed);
  return wanted;
}

/** An identical prompt in one of these shards may have an answer that another one would be given. */
export async function holdOwn(
  wanted: WantedAnswers,
  store: BatchStore,
  shards: readonly number[],
): Promise<void> {
  const layout = layoutOf(await store.manifest());
  const keys = await batchKeys(store);
  for (const shard of shards) {
    const { first, last } = shardRange(layout, shard);
    if (
      !hasAny(
        (index) => keys.at(index),
        first - 1,
        last - 1,
        (key) => wanted.wants(key, true),
      )
    )
      continue;
    for await (const { history } of readShardPrompts(store, shard)) holdAll(wanted, history.answers);
  }
}

function hasAny(
  at: (index: number) => RequestKey,
  first: number,
  last: number,
  matches: (key: RequestKey) => boolean,
): boolean {
  for (let index = first; index <= last; index++) if (matches(at(index))) return true;
  return false;
}

/** Used or not: an answer that failed here is no good under another name either. */
function holdAll(wanted: WantedAnswers, answers: readonly AnswerMeta[]): void {
  for (const answer of answers)
    for (const { sample } of answer.choices) wanted.hold(originOf(answer, sample));
}

const originOf = ({ id, reused }: Pick<AnswerRecord, 'id' | 'reused'>, sample: number): string =>
  reused ? originName(reused.answer, reused.sample ?? sample) : originName(id, sample);

/**
 * What the sources have that is wanted. Only the ledgers of shards that were asked the same are read. A source that
 * nobody named and that cannot be read is skipped.
 */
export async function* findReusable(
  wanted: WantedAnswers,
  sources: readonly ReuseSource[],
  rules: ReuseRules,
  skip: SkipNote,
): AsyncGenerator<Reusable> {
  // What was asked with the very same token limit comes first.
  for (const longer of rules.longer ? [false, true] : [false]) {
    for (const source of sources) {
      try {
        yield* reusableOf(wanted, source, rules, longer);
      } catch (error) {
        if (source.isNamed) throw error;
        skip(source.store.batchId, error);
      } finally {
        await source.store.close();
      }
    }
  }
}

async function* reusableOf(
  wanted: WantedAnswers,
  { store, keys }: ReuseSource,
  rules: ReuseRules,
  longer: boolean,
): AsyncGenerator<Reusable> {
  const layout = layoutOf(await store.manifest());
  const hits = new Map<number, number[]>();
  for (let index = 0; index < keys.prompts; index++) {
    if (!wanted.wants(keys.at(index), longer)) continue;
    const shard = shardOfPrompt(layout, index);
    const ofShard = hits.get(shard);
    if (ofShard) ofShard.push(index);
    else hits.set(shard, [index]);
  }
  for (const [shard, indices] of hits) {
    const open = await store.openShard(shard);
    try {
      const { reader } = open;
      await reader.refresh();
      for (const from of indices) {
        const history = reader.history(from);
        for (const { sample, answer, finishReason } of standingOf(history, mostSamples(history.answers))
          .chosen) {
          const answeredAt = answer.reused?.at ?? answer.at;
          if (rules.rejectTruncated && finishReason === 'length') continue;
          if (rules.answeredSince !== null && Date.parse(answeredAt) < rules.answeredSince) continue;
          const origin = originOf(answer, sample);
          const isComplete = finishReason === 'stop';
          const place = wanted.give({ key: keys.at(from), origin, sample, isComplete }, longer);
          if (place) yield { ...place, batchId: store.batchId, from: sample, answer, answeredAt, reader };
        }
      }
    } finally {
      await open.release();
    }
  }
}

const mostSamples = (answers: readonly AnswerMeta[]): number =>
  answers.reduce(
    (most, { choices }) => choices.reduce((found, { sample }) => Math.max(found, sample), most),
    0,
  );

/** What was taken over. */
export interface TakenOver {
  completions: number;
  /** The batches it was taken from. */
  batchIds: string[];
  /** When the oldest of it was answered, ISO 8601, UTC; `null`: nothing was taken. */
  oldest: string | null;
}

export const nothingTaken: TakenOver = { completions: 0, batchIds: [], oldest: null };

/** Answers held in memory at most, in characters and records: enough to write each shard's together. */
const HELD_CHARACTERS = 4_000_000;
const HELD_RECORDS = 2000;

/** Hands on the records of these answers, many at a time, for the new batch's ledger. */
export async function takeAnswers(
  answers: AsyncIterable<Reusable>,
  now: Date,
  write: (records: readonly AnswerRecord[]) => Promise<void>,
): Promise<TakenOver> {
  const batchIds = new Set<string>();
  let completions = 0;
  let oldest: string | null = null;
  let held: AnswerRecord[] = [];
  let characters = 0;
  for await (const reusable of answers) {
    const record = await toRecord(reusable, now);
    held.push(record);
    completions++;
    batchIds.add(reusable.batchId);
    if (oldest === null || reusable.answeredAt < oldest) oldest = reusable.answeredAt;
    for (const { text, reasoning = '' } of record.choices) characters += text.length + reasoning.length;
    if (held.length < HELD_RECORDS && characters < HELD_CHARACTERS) continue;
    await write(held);
    held = [];
    characters = 0;
  }
  await write(held);
  return { completions, batchIds: [...batchIds], oldest };
}

/** Shard by shard: the answers of one are synced together. */
export async function writeToLedger(store: BatchStore, records: readonly AnswerRecord[]): Promise<void> {
  const layout = layoutOf(await store.manifest());
  const shards = new Map<number, AnswerRecord[]>();
  for (const record of records) {
    const shard = shardOfPrompt(layout, record.index);
    const ofShard = shards.get(shard);
    if (ofShard) ofShard.push(record);
    else shards.set(shard, [record]);
  }
  for (const [shard, ofShard] of shards) {
    await store.withShard(shard, ({ writer }) =>
      Promise.all(ofShard.map((record) => writer.append(record, { durable: true }))),
    );
  }
}

/** Its id is made from where the answer came from first, so that a line that is written twice counts once. */
async function toRecord(
  { index, sample, batchId, from, answer, answeredAt, reader }: Reusable,
  now: Date,
): Promise<AnswerRecord> {
  const { id, choices, reused, latencyMs, model, requestId, usage, costNanoUsd } = await reader.read(answer);
  const origin: ReusedFrom = {
    ...(reused ?? { batchId, answer: id, usage, costNanoUsd }),
    sample: reused?.sample ?? from,
    at: answeredAt,
  };
  return {
    type: 'answer',
    id: `reused-${origin.answer}-${origin.sample}-${index}-${sample}`,
    at: now.toISOString(),
    index,
    run: 0,
    turn: 0,
    attempt: 0,
    start: '',
    choices: choices.filter((choice) => choice.sample === from).map((choice) => ({ ...choice, sample })),
    usage: null,
    costNanoUsd: 0,
    cacheSavingNanoUsd: 0,
    price: null,
    latencyMs,
    model,
    requestId,
    reused: origin,
  };
}
