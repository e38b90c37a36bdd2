/** More prompts for a batch: they wait beside it in a stage of their own until whoever may change the manifest takes them in. */
import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import type { Addition } from '../core/batch-layout.ts';
import type { ControlNote } from '../core/progress.ts';
import type { BatchDraft } from './batch-draft.ts';
import type { BatchStore } from './batch-store.ts';
import { appendControl } from './controls-log.ts';
import { presentLedgerSizes } from './ledger/ledger-files.ts';
import { keyFileOf } from './prompts/key-file.ts';
import { type Manifest, MANIFEST_FILE, promptsFileName } from './manifest/manifest.ts';
import { assertNoLinks } from './no-links.ts';
import { ledgerFolderOf, ledgerRootOf } from './shard-name.ts';
import { messageOf, StoreError } from './store-error.ts';
import { makeFolder, syncFolder } from '../system/files/sync-folder.ts';
import { readRegularText } from '../system/files/regular-file.ts';

const NOTE_FILE = 'addition.json';
const STAGE_PREFIX = '.addition-';
const STAGE = /^\.addition-[0-9a-f-]{36}$/;

const stagedSchema = z.object({
  format: z.literal(1),
  sha256: z.string(),
  source: z.string().nullable(),
  prompts: z.int().min(1),
  max_completions: z.int().min(1),
  /** How many prompts the batch had when these were checked against them. */
  after: z.int(),
});
/** What is known of the prompts of a stage. */
export type StagedAddition = z.infer<typeof stagedSchema>;

/** The batch has other prompts by now than those that the addition was checked against. */
export class AdditionOvertaken extends Error {
  override readonly name = 'AdditionOvertaken';
}

export const isTakenIn = ({ additions = [] }: Manifest, sha256: string): boolean =>
  additions.some((addition) => addition.sha256 === sha256);

/** Resolves to the name of the stage. */
export async function stageAddition(
  draft: BatchDraft,
  { folder }: BatchStore,
  staged: Omit<StagedAddition, 'format'>,
): Promise<string> {
  const stage = STAGE_PREFIX + randomUUID();
  await draft.stage(folder, stage, NOTE_FILE, { format: 1, ...staged } satisfies StagedAddition);
  return stage;
}

/**
 * Takes in what waits in a stage, as one change of the manifest, to which `more` may be added: what was taken in
 * before is not taken in again. A crash at any point leaves nothing that anyone counts. Throws `StoreError` or
 * {@link AdditionOvertaken}.
 */
export async function takeInAddition(
  store: BatchStore,
  { stage, sha256 }: Addition,
  control: ControlNote,
  more: (manifest: Manifest) => Manifest = (manifest) => manifest,
): Promise<Manifest> {
  const known = await store.readManifest();
  // It may have come after the batch's folder was looked at, and becomes a part of it.
  if (STAGE.test(stage)) await assertNoLinks(join(store.folder, stage));
  if (isTakenIn(known, sha256)) {
    if (STAGE.test(stage)) await assertSame(store, stage, sha256);
    const manifest = await store.updateManifest(more);
    await placeAnswers(store, stage, manifest, sha256);
    await discardStage(store, stage);
    return manifest;
  }
  const staged = await readStage(store, stage);
  if (staged.sha256 !== sha256) throw otherStage(store, stage);
  await placeShards(store, known, stage, staged);
  const manifest = await store.updateManifest((current) =>
    more(withAddition(current, stage, staged, control)),
  );
  await placeAnswers(store, stage, manifest, sha256);
  await appendControl(store.folder, { ...control, prompts: staged.prompts, sha256 });
  await discardStage(store, stage);
  return manifest;
}

export const discardStage = async ({ folder }: BatchStore, stage: string): Promise<void> => {
  if (STAGE.test(stage)) await rm(join(folder, stage), { recursive: true, force: true });
};

async function readStage({ folder }: BatchStore, stage: string): Promise<StagedAddition> {
  const file = join(folder, stage, NOTE_FILE);
  try {
    if (!STAGE.test(stage)) throw new Error(`no stage is called ${JSON.stringify(stage)}`);
    return stagedSchema.parse(JSON.parse(await readRegularText(file)));
  } catch (error) {
    throw new StoreError(`the prompts to be added are not there (${file}): ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Throws for a stage with other prompts; one that a crash has left without its note is as good as none. */
async function assertSame(store: BatchStore, stage: string, sha256: string): Promise<void> {
  const staged = await readStage(store, stage).catch(() => null);
  if (staged && staged.sha256 !== sha256) throw otherStage(store, stage);
}

const otherStage = ({ folder }: BatchStore, stage: string): StoreError =>
  new StoreError(
    `${join(folder, stage)} holds other prompts than those that are to be added; nothing was changed`,
  );

/**
 * Moves the prompt files to where the manifest will say they are. Their names are this stage's own: what a crash, or
 * a process that was overtaken, leaves there is counted by nobody and in nobody's way. But nobody has worked on such
 * shards either: a ledger says that the manifest has counted them before. Then `StoreError`, and nothing is placed.
 */
async function placeShards(
  store: BatchStore,
  manifest: Manifest,
  stage: string,
  staged: StagedAddition,
): Promise<void> {
  assertInTime(manifest, staged);
  const shards = Math.ceil(staged.prompts / manifest.shard_size);
  for (let shard = 0; shard < shards; shard++) await assertUntouched(store, manifest.shards + shard);
  const prompts = join(store.folder, 'prompts');
  for (let shard = 0; shard < shards; shard++) {
    const from = join(store.folder, stage, 'prompts', promptsFileName(shard));
    const to = join(prompts, promptsFileName(manifest.shards + shard, idOf(stage)));
    await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
      // An attempt before this one has put it there.
      if (error.code !== 'ENOENT') throw error;
      await stat(to);
    });
  }
  await syncFolder(prompts);
  const keys = keyFileOf(store.folder, promptsFileName(manifest.shards, idOf(stage)));
  await makeFolder(dirname(keys));
  // A stage of version 0.1.0 has none: they are made when somebody asks.
  await rename(keyFileOf(join(store.folder, stage), promptsFileName(0)), keys).catch(ignoreMissing);
  await syncFolder(dirname(keys));
}

/** What tells a stage from others. */
const idOf = (stage: string): string => stage.slice(STAGE_PREFIX.length);

/**
 * Answers that the new prompts have from other batches: to the ledger, once the manifest counts its shards. Who was
 * killed in between does it again; a shard that has a ledger by then keeps that.
 */
async function placeAnswers(
  { folder }: BatchStore,
  stage: string,
  { prompts, shard_size: shardSize, additions = [] }: Manifest,
  sha256: string,
): Promise<void> {
  // Who adds the same again has no stage, and an empty name would be the batch itself.
  if (!STAGE.test(stage)) return;
  const ledgers = await readdir(ledgerRootOf(join(folder, stage))).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const at = additions.findIndex((addition) => addition.sha256 === sha256);
  const begun = prompts - additions.reduce((sum, addition) => sum + addition.prompts, 0);
  const before = [begun, ...additions.slice(0, at).map((addition) => addition.prompts)];
  const firstShard = before.reduce((sum, part) => sum + Math.ceil(part / shardSize), 0);
  for (const name of ledgers) {
    const to = ledgerFolderOf(folder, firstShard + Number(name));
    await rename(join(ledgerRootOf(join(folder, stage)), name), to).catch((error: NodeJS.ErrnoException) => {
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code ?? '')) throw error;
    });
  }
  if (ledgers.length > 0) await syncFolder(ledgerRootOf(folder));
}

const ignoreMissing = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'ENOENT') throw error;
};

async function assertUntouched({ folder }: BatchStore, shard: number): Promise<void> {
  const ledger = ledgerFolderOf(folder, shard);
  const sizes = (await presentLedgerSizes(ledger)) ?? new Map<string, number>();
  if ([...sizes.values()].every((size) => size === 0)) return;
  throw new StoreError(
    `${join(folder, MANIFEST_FILE)} seems to be older than the batch's ledger: it does not count the prompts that the ` +
      `records in ${ledger} belong to. Nothing was changed: no prompt was added. Put the newest ${MANIFEST_FILE} back, ` +
      'with the folder revisions beside it; if there is none, run the new prompts as a batch of their own.',
  );
}

function withAddition(
  manifest: Manifest,
  stage: string,
  staged: StagedAddition,
  control: ControlNote,
): Manifest {
  const { sha256, source, prompts, max_completions } = staged;
  if (isTakenIn(manifest, sha256)) return manifest;
  assertInTime(manifest, staged);
  const { at: added_at, by, reason } = control;
  return {
    ...manifest,
    prompts: manifest.prompts + prompts,
    shards: manifest.shards + Math.ceil(prompts / manifest.shard_size),
    max_completions: Math.max(manifest.max_completions, max_completions),
    additions: [
      ...(manifest.additions ?? []),
      { sha256, prompts, stage: idOf(stage), source, added_at, by, reason },
    ],
  };
}

function assertInTime({ prompts }: Manifest, { after }: StagedAddition): void {
  if (prompts !== after)
    throw new AdditionOvertaken(`the batch has ${prompts} prompts by now, and not ${after}`);
}
