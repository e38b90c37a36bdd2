/** Answers to identical requests, taken over from earlier batches instead of being bought again. */
import { readBatchPrompts } from '../store/batch-reading.ts';
import { BatchStore } from '../store/batch-store.ts';
import { listBatches } from '../store/output-folder.ts';
import { ForeignLedgerError, type LedgerReader } from '../store/ledger-reader.ts';
import type { AnswerMeta } from '../store/prompt-history.ts';
import type { AnswerRecord } from '../store/records.ts';
import { layoutOf } from '../store/manifest.ts';
import { StoreError } from '../store/store-error.ts';
import { requestKey } from '../store/request-key.ts';
import { shardOfPrompt } from '../workflows/shard-range.ts';
import { WantedAnswers } from './wanted-answers.ts';

export interface Reusable {
  /** Position of the prompt in the new batch. */
  index: number;
  shard: number;
  sample: number;
  batchId: string;
  answer: AnswerMeta;
  reader: LedgerReader;
}

/** Until when to look, in ms since 1970. */
interface TimeLimits {
  /** At what the new batch asks. */
  wanted: number;
  /** At what the earlier ones have. */
  found: number;
}

const NO_LIMITS: TimeLimits = { wanted: Infinity, found: Infinity };

/**
 * What `earlier` batches have paid for that `store` still lacks: same messages, model, parameters and
 * sample number. Of several identical prompts the first gets what the first got, and so on; no answer
 * is given to two prompts. What does not fit into the time is left out. Each is good until the next.
 */
export async function* findReusable(
  store: BatchStore,
  earlier: readonly BatchStore[],
  limits = NO_LIMITS,
): AsyncGenerator<Reusable> {
  const wanted = await wantedBy(store, limits.wanted);
  const manifest = await store.readManifest();
  const { rejectTruncated } = manifest.limits;
  for (const source of earlier) {
    const { settings } = await source.manifest();
    wanted.startOver();
    for await (const { item, standing, reader } of readBatchPrompts(source)) {
      if (Date.now() > limits.found) return;
      const index = wanted.nextOf(requestKey(item, settings));
      if (index === undefined) continue;
      const shard = shardOfPrompt(layoutOf(manifest), index);
      for (const { sample, answer, finishReason } of standing.chosen) {
        if (rejectTruncated && finishReason === 'length') continue;
        if (!wanted.take(index, sample)) continue;
        yield { index, shard, sample, batchId: source.batchId, answer, reader };
      }
    }
  }
}

async function wantedBy(store: BatchStore, until: number): Promise<WantedAnswers> {
  const { settings, prompts, max_completions: mostCompletions } = await store.manifest();
  const wanted = new WantedAnswers(prompts, mostCompletions);
  for await (const { index, item, standing } of readBatchPrompts(store)) {
    if (Date.now() > until) break;
    wanted.add(requestKey(item, settings), index, standing.settled ? [] : standing.missing);
  }
  return wanted;
}

export interface ReusableCount {
  completions: number;
  /** Of the batches that have them. */
  batchIds: string[];
}

/** Looking through other batches must not keep a run waiting for longer; a third of it is for the new batch. */
const LOOK_MS = 3000;

/**
 * What the other batches of this output folder have already paid for: newest batches first, as far as the
 * time reaches, so of a large batch what its first prompts ask.
 */
export async function countReusable(store: BatchStore, lookMs = LOOK_MS): Promise<ReusableCount> {
  const start = Date.now();
  const limits = { wanted: start + lookMs / 3, found: start + lookMs };
  const newestFirst = await othersThan(store);
  const batchIds = new Set<string>();
  let completions = 0;
  try {
    if (newestFirst.length > 0) {
      for await (const { batchId } of findReusable(store, newestFirst, limits)) {
        completions++;
        batchIds.add(batchId);
      }
    }
  } catch (error) {
    // A ledger that is damaged, and not this batch's own business: who reuses it hears of it.
    if (!(error instanceof ForeignLedgerError)) throw error;
  }
  return { completions, batchIds: [...batchIds] };
}

/** The readable batches of its output folder but itself, the newest first. `list` tells of the others. */
async function othersThan(store: BatchStore): Promise<BatchStore[]> {
  const found: { other: BatchStore; made: string }[] = [];
  for (const id of await listBatches(store.location.outputDir)) {
    if (id === store.batchId) continue;
    const other = new BatchStore(store.location, id, 'reader');
    try {
      found.push({ other, made: (await other.readManifest()).created_at });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }
  return found.toSorted((a, b) => b.made.localeCompare(a.made)).map(({ other }) => other);
}

/** Answers held in memory at most, in characters and records: enough to write each shard's together. */
const HELD_CHARACTERS = 4_000_000;
const HELD_RECORDS = 2000;

/** Writes the answers into the new batch's ledger; resolves to how many. Must be done before its run starts. */
export async function reuseAnswers(
  store: BatchStore,
  earlier: readonly BatchStore[],
  now: Date,
): Promise<number> {
  const held = new Map<number, AnswerRecord[]>();
  let taken = 0;
  let records = 0;
  let characters = 0;
  for await (const reusable of findReusable(store, earlier)) {
    const record = await toRecord(reusable, now);
    const ofShard = held.get(reusable.shard);
    if (ofShard) ofShard.push(record);
    else held.set(reusable.shard, [record]);
    taken++;
    records++;
    for (const { text, reasoning = '' } of record.choices) characters += text.length + reasoning.length;
    if (records < HELD_RECORDS && characters < HELD_CHARACTERS) continue;
    await writeHeld(store, held);
    records = 0;
    characters = 0;
  }
  await writeHeld(store, held);
  return taken;
}

/** Shard by shard: the answers of one are synced together. */
async function writeHeld(store: BatchStore, held: Map<number, AnswerRecord[]>): Promise<void> {
  for (const [shard, records] of held) {
    await store.withShard(shard, ({ writer }) =>
      Promise.all(records.map((record) => writer.append(record, { durable: true }))),
    );
  }
  held.clear();
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
