/** Answers of other batches for prompts that are about to be added to a batch, which may be running meanwhile. */
import { randomBytes } from 'node:crypto';
import type { Config } from '../../config.ts';
import type { PromptItem } from '../../core/prompt.ts';
import type { BatchDraft } from '../../store/batch-draft.ts';
import { completionsOf } from '../../store/ledger/batch-reading.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import type { AnswerRecord } from '../../store/ledger/records.ts';
import { hasSeed, requestKey } from '../../store/prompts/request-key.ts';
import { plannedAnswers } from '../../store/reuse/reuse-plan.ts';
import { copyAnswers } from '../../store/reuse/reused-answers.ts';
import { ledgerOwner } from '../find/locate-batch.ts';
import { findReusable, holdOwn, holdPlanned, noneReused, type ReusedTotals, addReused } from './reuse.ts';
import { AskedKeys, type ReuseSource, type SkipNote } from './reuse-sources.ts';
import { approvedReuse, defaultReuse, rulesOf, sourcesOf } from './reuse-earlier-answers.ts';
import { WantedAnswers } from './wanted-answers.ts';

export class AddedReuse {
  readonly #store: BatchStore;
  readonly #manifest: Manifest;
  readonly #sources: ReuseSource[];
  readonly #asked: AskedKeys;
  readonly #skip: SkipNote;
  readonly #wanted = new WantedAnswers();

  private constructor(
    store: BatchStore,
    manifest: Manifest,
    { sources, skip }: { sources: ReuseSource[]; skip: SkipNote },
  ) {
    this.#store = store;
    this.#manifest = manifest;
    this.#sources = sources;
    this.#asked = new AskedKeys(sources);
    this.#skip = skip;
  }

  /** Takes from the batches that the batch's manifest names, and by default from the whole folder. */
  static async open(
    config: Config,
    store: BatchStore,
    manifest: Manifest,
    note: (line: string) => void,
  ): Promise<AddedReuse> {
    const { reuse, reuse_policy = defaultReuse } = manifest;
    const wanted = { reuse, reuse_policy, typed: approvedReuse(config, store, manifest) };
    return new AddedReuse(store, manifest, await sourcesOf(config, store, wanted, note));
  }

  /** `index` is the position that the prompt will have in the batch. */
  look(item: PromptItem, index: number): void {
    const { settings } = this.#manifest;
    const key = requestKey(item, settings);
    if (!this.#asked.has(key.digest)) return;
    const missing = completionsOf(item, this.#manifest);
    this.#wanted.add({ key, index, missing, isSeeded: hasSeed(item) });
  }

  /** Puts what there is into the draft of the added prompts. */
  async take(draft: BatchDraft): Promise<ReusedTotals> {
    const { prompts, shard_size: shardSize, shards, limits, reuse_policy = defaultReuse } = this.#manifest;
    await holdOwn(this.#wanted, this.#store, [...Array(shards).keys()]);
    for (let shard = 0; shard < shards; shard++)
      holdPlanned(this.#wanted, await plannedAnswers(this.#store, shard));
    const file = `${ledgerOwner()}-${randomBytes(4).toString('hex')}.jsonl`;
    const write = async (records: readonly AnswerRecord[]): Promise<void> => {
      const byShard = new Map<number, AnswerRecord[]>();
      for (const record of records) {
        const shard = Math.floor((record.index - prompts) / shardSize);
        const ofShard = byShard.get(shard);
        if (ofShard) ofShard.push(record);
        else byShard.set(shard, [record]);
      }
      for (const [shard, ofShard] of byShard) await draft.addAnswers(shard, file, ofShard);
    };
    let taken = noneReused;
    const rules = rulesOf(reuse_policy, limits);
    for await (const { from, answers } of findReusable(this.#wanted, this.#sources, rules, this.#skip)) {
      taken = addReused(taken, from, answers);
      await copyAnswers(answers, { now: new Date(), write });
    }
    return taken;
  }
}
