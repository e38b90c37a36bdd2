/** Batches whose answers are reused, and those that reuse them. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { reuseSources } from '../../../src/client/reuse/reuse-sources.ts';
import type { ReuseRules } from '../../../src/client/reuse/reuse.ts';
import { planReuse } from '../../../src/client/reuse/reuse-earlier-answers.ts';
import type { PromptItem } from '../../../src/core/prompt.ts';
import { BatchDraft } from '../../../src/store/batch-draft.ts';
import { outcomesOf, readBatchPrompts } from '../../../src/store/ledger/batch-reading.ts';
import { BatchStore } from '../../../src/store/batch-store.ts';
import type { Manifest } from '../../../src/store/manifest/manifest.ts';
import { copyPlanned, type LostAnswers } from '../../../src/store/reuse/reuse-plan.ts';
import { manifestOf } from '../../report/support/report-fixtures.ts';
import { makeBatch } from '../../store/support/batches.ts';
import { answer, settled, start } from '../../store/support/records.ts';

export const NOW = new Date('2026-06-01T00:00:00.000Z');

/** Plans to take over what these batches have, or else all others of the folder; resolves to how many completions. */
export async function planAnswers(
  store: BatchStore,
  earlier: readonly BatchStore[] | 'folder',
  rules: Partial<ReuseRules> = {},
  skip: (id: string, error: unknown) => void = (id) => assert.fail(`${id} was skipped`),
): Promise<number> {
  const { rejectTruncated } = (await store.readManifest()).limits;
  const sources = await reuseSources(
    store.location,
    store.batchId,
    earlier === 'folder' ? { named: [], folder: true } : { named: earlier, folder: false },
    skip,
  );
  const all = { rejectTruncated, answeredSince: null, longer: false, ...rules };
  return (await planReuse(store, { sources, skip }, all)).completions;
}

/** Copies what is planned, as if each shard were opened. */
export async function copyAll(store: BatchStore, now = NOW): Promise<(LostAnswers | null)[]> {
  const lost: (LostAnswers | null)[] = [];
  const { shards, limits } = await store.readManifest();
  for (let shard = 0; shard < shards; shard++) lost.push(await copyPlanned(store, shard, limits, now));
  return lost;
}

/** Plans and copies. */
export async function reuseAnswers(
  store: BatchStore,
  earlier: readonly BatchStore[] | 'folder',
  now: Date,
  rules: Partial<ReuseRules> = {},
  skip?: (id: string, error: unknown) => void,
): Promise<number> {
  const completions = await planAnswers(store, earlier, rules, skip);
  assert.ok((await copyAll(store, now)).every((lost) => lost === null));
  return completions;
}

export const items = (...texts: string[]): PromptItem[] =>
  texts.map((prompt, index) => ({ prompt_id: `p${index + 1}`, prompt }));

/** A batch made before: `samples` of each prompt are bought, one a request. */
export async function earlierBatch(
  t: TestContext,
  id: string,
  prompts: readonly PromptItem[],
  {
    samples = 2,
    finishReason = 'stop',
    ...changes
  }: { samples?: number; finishReason?: string } & Partial<Manifest> = {},
): Promise<BatchStore> {
  const store = await makeBatch(t, prompts, { batch_id: id, max_completions: samples, ...changes });
  await buy(store, id, prompts.length, { samples, finishReason });
  return store;
}

export async function buy(
  store: BatchStore,
  id: string,
  prompts: number,
  { samples = 2, finishReason = 'stop' } = {},
): Promise<void> {
  const { writer } = await store.openShard(0);
  for (let index = 0; index < prompts; index++) {
    const ids: string[] = [];
    for (let sample = 1; sample <= samples; sample++) {
      const name = `${id}-${index}-${sample}`;
      ids.push(name);
      await writer.append(start(`start of ${name}`, { index, samples: [sample] }), { durable: false });
      const choices = [{ sample, text: `${id} ${index + 1}.${sample}`, finishReason }];
      await writer.append(answer(name, { index, choices, costNanoUsd: 1000 }), { durable: false });
    }
    await writer.append(settled(`end of ${id}-${index}`, { index, answers: ids }), { durable: true });
  }
}

/** A batch in the same folder. */
export async function batchBeside(
  { location }: BatchStore,
  id: string,
  prompts: readonly PromptItem[],
  { shardSize = 500, ...changes }: Partial<Manifest> & { shardSize?: number } = {},
): Promise<BatchStore> {
  const draft = await BatchDraft.open(location, shardSize);
  for (const item of prompts) await draft.add(item);
  const shards = { shard_size: shardSize, shards: draft.shards };
  await draft.commit(
    manifestOf(prompts.length, { batch_id: id, store_uuid: location.uuid, ...shards, ...changes }),
  );
  return new BatchStore(location, id, 'test');
}

export const newBatch = (t: TestContext, prompts: readonly PromptItem[], changes: Partial<Manifest> = {}) =>
  makeBatch(t, prompts, { batch_id: 'new', ...changes });

/** The texts each prompt has, sample by sample, as another process reads them. */
export async function textsOf({ location, batchId }: BatchStore): Promise<string[][]> {
  const texts: string[][] = [];
  for await (const { completions } of outcomesOf(new BatchStore(location, batchId, 'reader'), false))
    texts.push(completions.map(({ text }) => text));
  return texts;
}

export async function missingOf({ location, batchId }: BatchStore): Promise<number[][]> {
  const missing: number[][] = [];
  for await (const { promptState } of readBatchPrompts(new BatchStore(location, batchId, 'reader')))
    missing.push(promptState.missing);
  return missing;
}
