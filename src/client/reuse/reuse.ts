/** Answers to identical requests, taken over from other batches instead of being bought again. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { originOf, usableAnswers } from '../../store/reuse/answer-index.ts';
import { readShardPrompts } from '../../store/ledger/batch-reading.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { batchKeys } from '../../store/prompts/key-file.ts';
import { layoutOf } from '../../store/manifest/manifest.ts';
import type { AnswerMeta } from '../../store/ledger/prompt-history.ts';
import type { AnswerRecord } from '../../store/ledger/records.ts';
import { hasSeed, type RequestKey } from '../../store/prompts/request-key.ts';
import { nameOf, type PlannedAnswer, plannedAnswers } from '../../store/reuse/reuse-plan.ts';
import { ledgerFolderOf } from '../../store/shard-name.ts';
import { shardDigest } from '../../store/digests/shard-digests.ts';
import { shardOfPrompt, shardRange } from '../../core/shard-range.ts';
import { type AskedKeys, type ReuseSource, type SkipNote } from './reuse-sources.ts';
import { WantedAnswers } from './wanted-answers.ts';

export interface ReuseRules {
  /** Answers that were cut off at their token limit are no good. */
  rejectTruncated: boolean;
  /** Only answers of this time or later, in ms since 1970; `null`: of any. */
  answeredSince: number | null;
  /** Complete answers to the same request with a smaller token limit too. */
  longer: boolean;
}

/** An answer that is there for a prompt. */
export interface Reusable extends PlannedAnswer {
  /** When it was answered, in ms since 1970. */
  answeredAt: number;
}

/** What a shard of a batch has. */
export interface FoundAnswers {
  from: BatchStore;
  answers: Reusable[];
}

/** What a batch still lacks of what these keys ask, and the answers that it has for them or that are planned for it. */
export async function wantedBy(store: BatchStore, asked: AskedKeys): Promise<WantedAnswers> {
  const wanted = new WantedAnswers();
  if (asked.isEmpty) return wanted;
  const manifest = await store.manifest();
  const keys = await batchKeys(store);
  const layout = layoutOf(manifest);
  const closed: number[] = [];
  const isThere = createPresenceCheck();
  for (let shard = 0; shard < manifest.shards; shard++) {
    const { first, last } = shardRange(layout, shard);
    const planned = await plannedAnswers(store, shard);
    holdPlanned(wanted, planned);
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
    const served = new Set<string>();
    for (const answer of planned) if (await isThere(answer)) served.add(nameOf(answer));
    for await (const reading of readShardPrompts(store, shard, manifest.limits)) {
      const { index, item, history, promptState } = reading;
      const key = keys.at(index);
      if (!asked.has(key.digest)) continue;
      holdAll(wanted, history.answers);
      if (promptState.settled) continue;
      const missing = promptState.missing.filter((sample) => !served.has(nameOf({ index, sample })));
      wanted.add({ key, index, missing, isSeeded: hasSeed(item) });
    }
  }
  await holdOwn(wanted, store, closed);
  return wanted;
}

/** A planned answer is given to nobody else, copied or not: a worker that was frozen may still copy it. */
export function holdPlanned(wanted: WantedAnswers, planned: readonly PlannedAnswer[]): void {
  for (const { origin } of planned) wanted.hold(origin);
}

/** Whether a planned answer can still be copied, each ledger file looked at once. */
function createPresenceCheck(): (answer: PlannedAnswer) => Promise<boolean> {
  const sizes = new Map<string, number>();
  return async ({ ledgerFolder, location: { file, offset, length } }) => {
    const path = join(ledgerFolder, file);
    let size = sizes.get(path);
    if (size === undefined) {
      size = await stat(path).then(
        (found) => found.size,
        () => 0,
      );
      sizes.set(path, size);
    }
    return offset + length <= size;
  };
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
        (key) => wanted.wantsWithAnyLimit(key),
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

/**
 * What the sources have that is wanted, shard by shard. Only the ledgers of shards that were asked the same are read. A source that
 * nobody named and that cannot be read is skipped.
 */
export async function* findReusable(
  wanted: WantedAnswers,
  sources: readonly ReuseSource[],
  rules: ReuseRules,
  skip: SkipNote,
): AsyncGenerator<FoundAnswers> {
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
): AsyncGenerator<FoundAnswers> {
  const { batchId } = store;
  const manifest = await store.manifest();
  const layout = layoutOf(manifest);
  // Its answers may be copies that were bought with a smaller token limit than its prompts have.
  const hasShorter = manifest.reuse_policy?.longer ?? false;
  const hits = new Map<number, Set<number>>();
  for (let index = 0; index < keys.prompts; index++) {
    const key = keys.at(index);
    if (!(hasShorter ? wanted.wantsWithAnyLimit(key) : wanted.wants(key, longer))) continue;
    const shard = shardOfPrompt(layout, index);
    const ofShard = hits.get(shard);
    if (ofShard) ofShard.add(index);
    else hits.set(shard, new Set([index]));
  }
  for (const [shard, indices] of hits) {
    const ledgerFolder = ledgerFolderOf(store.folder, shard);
    const found: Reusable[] = [];
    for (const answer of await usableAnswers(store, shard)) {
      const { sample: from, origin, isComplete, answeredAt, location } = answer;
      if (!indices.has(answer.index)) continue;
      if (rules.rejectTruncated && !isComplete) continue;
      if (rules.answeredSince !== null && answeredAt < rules.answeredSince) continue;
      const asked = keys.at(answer.index);
      const { maxTokens = asked.maxTokens } = answer;
      if (maxTokens === null && !longer) continue;
      // A limit that is not on record is at most that of the prompt which has the copy.
      const key = { ...asked, maxTokens: maxTokens ?? asked.maxTokens };
      const place = wanted.give({ key, origin, sample: from, isComplete }, longer);
      if (!place) continue;
      const { index, sample } = place;
      found.push({
        ...{ index, sample, from, origin, maxTokens, batchId, shard, ledgerFolder, location, answeredAt },
      });
    }
    if (found.length > 0) yield { from: store, answers: found };
  }
}

/** What is taken over. */
export interface ReusedTotals {
  completions: number;
  /** The batches it is taken from. */
  batchIds: string[];
  /** When the oldest of it was answered, in ms since 1970; `null`: nothing is taken. */
  oldest: number | null;
}

export const noneReused: ReusedTotals = { completions: 0, batchIds: [], oldest: null };

export const addReused = (
  { completions, batchIds, oldest }: ReusedTotals,
  { batchId }: BatchStore,
  answers: readonly Reusable[],
): ReusedTotals => ({
  completions: completions + answers.length,
  batchIds: batchIds.includes(batchId) ? batchIds : [...batchIds, batchId],
  oldest: answers.reduce((least, { answeredAt }) => Math.min(least, answeredAt), oldest ?? Infinity),
});

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
