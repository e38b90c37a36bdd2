/** From more prompts for a batch to a stage beside it, checked against the prompts it has. */
import { basename, join } from 'node:path';
import type { Config } from '../../config.ts';
import type { Addition } from '../../core/batch-layout.ts';
import type { PromptItem } from '../../core/prompt.ts';
import { isTakenIn, stageAddition } from '../../store/additions.ts';
import { BatchDraft } from '../../store/batch-draft.ts';
import { completionsOf, readPromptItems } from '../../store/ledger/batch-reading.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import { stagedDigest } from '../../store/prompts/prompts-digest.ts';
import { allHashes, type BatchIdentity, createIdentityHash, isOfIdentity } from './batch-identity.ts';
import { quoteText } from '../../input/describe-value.ts';
import { ProblemList } from '../../input/input-error.ts';
import { type PromptSource, readPromptFile } from '../../input/read-prompt-file.ts';
import { KeyIndex } from '../../store/reuse/key-index.ts';
import { AddedReuse } from '../reuse/added-reuse.ts';
import { createPriceCheck } from './request-settings.ts';
import { noneReused, type ReusedTotals } from '../reuse/reuse.ts';

/** `known`: the batch has these prompts: it began with them, or they were added before. */
export type StagedPrompts = Addition &
  Pick<PromptSource, 'notes'> & {
    prompts: number;
    known: 'begun' | 'added' | null;
    /** Of the prompts as they will be in the batch: for the approval. */
    digest: string | null;
    /** What the prompts have from other batches. */
    taken: ReusedTotals;
  };

/** Throws `InputError`, `UsageError` or `StoreError`; then nothing waits beside the batch. */
export async function stagePrompts(
  config: Config,
  store: BatchStore,
  file: string,
  note: (line: string) => void,
): Promise<StagedPrompts> {
  const manifest = await store.readManifest();
  const ids = await idsOf(store);
  const hash = createIdentityHash(manifest.settings);
  const checkPrice = await createPriceCheck({ request: manifest.settings, limits: manifest.limits }, config);
  const taken = new ProblemList(file);
  let mostCompletions = 1;
  const reuse = await AddedReuse.open(config, store, manifest, note);
  const draft = await BatchDraft.open(store.location, manifest.shard_size, manifest.settings);
  try {
    const { notes } = await readPromptFile(
      file,
      async (item, position, isNumbered, earlier) => {
        hash.add(item, position, isNumbered, earlier);
        const user = ids.get(item.prompt_id);
        if (user !== undefined) taken.add(describeTaken(item, position, isNumbered, user));
        checkPrice(item);
        mostCompletions = Math.max(mostCompletions, completionsOf(item, manifest));
        reuse.look(item, manifest.prompts + position);
        await draft.add(item);
      },
      manifest.prompts,
    );
    const identity = hash.result();
    const [{ sha256 }, prompts] = [identity.hash, draft.prompts];
    const known = knownAs(manifest, identity);
    if (known) {
      await draft.discard();
      return { stage: '', sha256, prompts, known, digest: null, taken: noneReused };
    }
    taken.throwIfAny();
    const takenOver = await reuse.take(draft);
    const stage = await stageAddition(draft, store, {
      ...{ sha256, prompts, source: basename(file) },
      max_completions: mostCompletions,
      after: manifest.prompts,
    });
    const digest = await stagedDigest(join(store.folder, stage), manifest, prompts);
    return { stage, sha256, prompts, known, digest, taken: takenOver, ...(notes && { notes }) };
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

/** Made or added to by an earlier version, it is known by that version's hash. */
function knownAs(manifest: Manifest, identity: BatchIdentity): StagedPrompts['known'] {
  if (allHashes(identity).some(({ sha256 }) => isTakenIn(manifest, sha256))) return 'added';
  return isOfIdentity(manifest.input_hash, identity) ? 'begun' : null;
}

/** The number of each prompt of the batch, from 1, by its id. */
async function idsOf(store: BatchStore): Promise<KeyIndex> {
  const ids = new KeyIndex();
  for await (const { index, item } of readPromptItems(store)) ids.claim(item.prompt_id, index + 1);
  return ids;
}

function describeTaken(item: PromptItem, position: number, isNumbered: boolean, user: number): string {
  const origin = isNumbered ? ', given by position,' : '';
  return `item ${position + 1}: "prompt_id" ${quoteText(item.prompt_id)}${origin} is already used by prompt ${user} of the batch`;
}
