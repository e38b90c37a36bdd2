/** Answers to identical requests, taken over from earlier batches instead of being bought again. */
import { readBatchPrompts } from '../store/batch-reading.ts';
import { BatchStore } from '../store/batch-store.ts';
import { listBatches } from '../store/output-folder.ts';
import type { AnswerMeta, LedgerReader } from '../store/ledger-reader.ts';
import type { AnswerRecord } from '../store/records.ts';
import { requestKey } from '../store/request-key.ts';

export interface Reusable {
  /** Position of the prompt in the new batch. */
  index: number;
  shard: number;
  sample: number;
  batchId: string;
  answer: AnswerMeta;
  reader: LedgerReader;
}

/** Prompts of the new batch that ask the same, in input order, with the samples each still lacks. */
type Wanted = Map<string, { index: number; shard: number; missing: Set<number> }[]>;

/** Identical requests share the work of one append: enough to fill a group write, not the memory. */
const APPENDS_AT_ONCE = 200;

/**
 * What `earlier` batches have paid for that `store` still lacks: same messages, model, parameters and
 * sample number. Of several identical prompts the first gets what the first got, and so on; no answer
 * is given to two prompts.
 */
export async function* findReusable(
  store: BatchStore,
  earlier: readonly BatchStore[],
): AsyncGenerator<Reusable> {
  const wanted = await wantedBy(store);
  const { rejectTruncated } = (await store.readManifest()).limits;
  for (const source of earlier) {
    const { settings } = await source.manifest();
    const occurrences = new Map<string, number>();
    for await (const { item, standing, reader } of readBatchPrompts(source)) {
      const key = requestKey(item, settings);
      const occurrence = occurrences.get(key) ?? 0;
      occurrences.set(key, occurrence + 1);
      const prompt = wanted.get(key)?.[occurrence];
      if (!prompt) continue;
      for (const { sample, answer, finishReason } of standing.chosen) {
        if (rejectTruncated && finishReason === 'length') continue;
        if (!prompt.missing.delete(sample)) continue;
        yield { index: prompt.index, shard: prompt.shard, sample, batchId: source.batchId, answer, reader };
      }
    }
  }
}

async function wantedBy(store: BatchStore): Promise<Wanted> {
  const { settings } = await store.manifest();
  const wanted: Wanted = new Map();
  for await (const { shard, index, item, standing } of readBatchPrompts(store)) {
    const key = requestKey(item, settings);
    const missing = new Set(standing.settled ? [] : standing.missing);
    const sameBefore = wanted.get(key);
    if (sameBefore) sameBefore.push({ index, shard, missing });
    else wanted.set(key, [{ index, shard, missing }]);
  }
  return wanted;
}

export interface ReusableCount {
  completions: number;
  /** Of the batches that have them. */
  batchIds: string[];
}

/** Looking through other batches must not keep a run waiting for longer. */
const LOOK_MS = 3000;

/** What the other batches of this output folder have already paid for; newest batches first, as far as the time reaches. */
export async function countReusable(store: BatchStore): Promise<ReusableCount> {
  const { outputDir } = store.location;
  const found: BatchStore[] = [];
  for (const id of await listBatches(outputDir)) {
    if (id !== store.batchId) found.push(new BatchStore(store.location, id, 'reader'));
  }
  const made = await Promise.all(found.map(async (other) => (await other.readManifest()).created_at));
  const newestFirst = found.toSorted((a, b) =>
    made[found.indexOf(b)]!.localeCompare(made[found.indexOf(a)]!),
  );
  const count: ReusableCount = { completions: 0, batchIds: [] };
  const until = Date.now() + LOOK_MS;
  for await (const { batchId } of findReusable(store, newestFirst)) {
    count.completions++;
    if (!count.batchIds.includes(batchId)) count.batchIds.push(batchId);
    if (Date.now() > until) break;
  }
  return count;
}

/** Writes the answers into the new batch's ledger; resolves to how many. Must be done before its run starts. */
export async function reuseAnswers(
  store: BatchStore,
  earlier: readonly BatchStore[],
  now: Date,
): Promise<number> {
  let taken = 0;
  let appends: Promise<void>[] = [];
  for await (const reusable of findReusable(store, earlier)) {
    const record = await toRecord(reusable, now);
    appends.push(store.withShard(reusable.shard, ({ writer }) => writer.append(record, { durable: true })));
    taken++;
    if (appends.length >= APPENDS_AT_ONCE) {
      await Promise.all(appends);
      appends = [];
    }
  }
  await Promise.all(appends);
  return taken;
}

/** Its id is made from the answer's, so that taking it over twice is the same as once. */
async function toRecord(
  { index, sample, batchId, answer, reader }: Reusable,
  now: Date,
): Promise<AnswerRecord> {
  const { id, choices, reused, latencyMs, model, requestId, usage, costNanoUsd } = await reader.read(answer);
  return {
    type: 'answer',
    id: `reused-${id}-${index}-${sample}`,
    at: now.toISOString(),
    index,
    run: 0,
    turn: 0,
    attempt: 0,
    start: '',
    choices: choices.filter((choice) => choice.sample === sample),
    usage: null,
    costNanoUsd: 0,
    cacheSavingNanoUsd: 0,
    price: null,
    latencyMs,
    model,
    requestId,
    reused: reused ?? { batchId, answer: id, usage, costNanoUsd },
  };
}
