/** From prompts and settings to a batch in its store: the same ones give the same batch. */
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import type { Config } from '../../config.ts';
import type { BatchSettings, RequestSettings } from '../../core/settings.ts';
import { SHARD_SIZE, type StoreLocation } from '../../core/batch-layout.ts';
import { type Destination, destinationOf, isSimulated } from '../../providers/destination.ts';
import { pricesVersion } from '../../providers/pricing/prices-version.ts';
import { BatchDraft } from '../../store/batch-draft.ts';
import { type BatchStore } from '../../store/batch-store.ts';
import {
  findBatch,
  openOutputFolder,
  type ProposedFolder,
  proposeOutputFolder,
} from '../../store/output-folder.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import { claimId } from '../../store/batch-claims.ts';
import { promptsDigests } from '../../store/prompts/prompts-digest.ts';
import { priceTableHash } from '../../store/manifest/run-prices.ts';
import {
  approve,
  approvePriceTable,
  coversPrices,
  coversPrompts,
  isWithin,
  readApproval,
} from '../trust/approvals.ts';
import {
  allHashes,
  type BatchIdentity,
  createIdentityHash,
  hashInId,
  hashName,
  isOfIdentity,
} from './batch-identity.ts';
import { lookUpBatch, registerBatch } from '../find/batch-registry.ts';
import { findSameBatch } from '../find/find-same-batch.ts';
import { slugOfFile } from '../../input/file-slug.ts';
import type { PromptSink } from '../../input/prompt-intake.ts';
import type { PromptSource } from '../../input/read-prompt-file.ts';
import { openStore } from '../find/locate-batch.ts';
import { tableForRun } from '../prices/table-for-run.ts';
import { roundCostText } from '../render/number-text.ts';
import { assertSameAddress, assertSameRequests } from './same-requests.ts';
import { asTyped } from '../../system/typed-command.ts';
import { commandLine, idWord, shellWords } from '../../core/command-line.ts';
import { destinationFlags } from '../trust/confirm-destination.ts';
import { UsageError } from '../usage-error.ts';

export interface BatchOrder {
  /** Streams the prompts; throws `InputError`. */
  read(sink: PromptSink): Promise<PromptSource>;
  /** Name of the input, for the default id and the manifest; `null` for a list in memory. */
  file: string | null;
  settings: BatchSettings;
  /** What the same command line meant to earlier versions: `earlierRequests`. */
  earlier: RequestSettings[];
  outputDir: string;
  id: string | undefined;
  /** Which earlier answers are taken over, noted in the manifest. */
  reuse: Pick<Manifest, 'reuse' | 'reuse_policy'>;
  /** Makes another batch where there is one already. */
  fresh: boolean;
  /** Last check before a new batch is made; what it throws leaves nothing behind. */
  beforeCommit?: (newBatch: NewBatch) => Promise<void>;
}

/** A batch that is about to be made. */
export interface NewBatch {
  folder: Pick<ProposedFolder, 'hasUuid'>;
  identity: BatchIdentity;
  /** The ids it would get by its file's name, as this version and earlier ones make them. */
  likelyIds: string[];
  /** Its id was typed. */
  isNamed: boolean;
  fresh: boolean;
}

export interface CreatedBatch {
  store: BatchStore;
  manifest: Manifest;
  /** False: it was there already. */
  created: boolean;
}

const { version } = createRequire(import.meta.url)('durabatch/package.json') as { version: string };

/** Throws `InputError`, `UsageError` or `StoreError`; then nothing was made. */
export async function createBatch(config: Config, order: BatchOrder): Promise<CreatedBatch> {
  const folder = await proposeOutputFolder(order.outputDir);
  try {
    return await createIn(folder, config, order);
  } finally {
    // Where nothing was made in it.
    await folder.drop();
  }
}

async function createIn(folder: ProposedFolder, config: Config, order: BatchOrder): Promise<CreatedBatch> {
  const { location: proposed } = folder;
  const { request, limits } = order.settings;
  const draft = await BatchDraft.open(proposed, SHARD_SIZE, request);
  try {
    const hash = createIdentityHash(request, order.earlier);
    let maxCompletions = 1;
    const source = await order.read(async (item, ...origin) => {
      hash.add(item, ...origin);
      maxCompletions = Math.max(maxCompletions, item.completions ?? request.completions);
      await draft.add(item);
    });
    const identity = hash.result();
    const known = await findKnown(config, order, proposed, identity);
    if (known) {
      const found = await checked(config, known, identity, order, draft);
      await draft.discard();
      return found;
    }
    await draft.finish();
    const base = `${order.file === null ? 'prompts' : slugOfFile(order.file)}-`;
    const likelyIds = allHashes(identity).map((each) => base + hashInId(each));
    await order.beforeCommit?.({
      ...{ folder, identity, fresh: order.fresh },
      likelyIds: order.id === undefined ? likelyIds : [order.id],
      isNamed: order.id !== undefined,
    });
    const location = await folder.use();
    const id = await newId(config, order, location.outputDir, identity, likelyIds[0]!);
    const manifest: Manifest = {
      format: 1,
      batch_id: id,
      batch_name: source.batchName ?? (order.file === null ? id : basename(order.file)),
      description: source.description ?? null,
      source: order.file,
      metadata: source.metadata ?? {},
      created_at: new Date().toISOString(),
      store_uuid: location.uuid,
      input_hash: identity.hash,
      prompts: draft.prompts,
      shard_size: SHARD_SIZE,
      shards: draft.shards,
      max_completions: maxCompletions,
      settings: request,
      limits,
      runs: [],
      versions: { durabatch: version, prices: pricesVersion },
      ...order.reuse,
      pause: null,
    };
    const store = openStore(location, id);
    // Before the batch is there: a command that ends in between must not leave one that its own user is asked about.
    await approveTyped(config, store, order, await promptsDigests(draft.folder, manifest));
    const created = await draft.commit(manifest);
    if (!created && order.fresh)
      throw new UsageError(
        `${id}: another command took this id at the same moment. Nothing was made; type the command again.`,
      );
    if (!created) {
      const found = await checked(config, store, identity, order, draft);
      await draft.discard();
      return found;
    }
    await registerBatch(config.home, store.location, store.batchId);
    return { store, manifest, created };
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

/** A name that was typed is looked up by itself, everything else by what is asked. `null`: a batch is to be made. */
async function findKnown(
  config: Config,
  { id, fresh }: BatchOrder,
  location: StoreLocation,
  identity: BatchIdentity,
): Promise<BatchStore | null> {
  if (fresh) return null;
  return id === undefined
    ? findSameBatch(config.home, location, identity)
    : findNamed(config, location.outputDir, id);
}

/** In the folder that was named, or in the one this machine remembers: a batch lives in its first folder. */
async function findNamed(config: Config, outputDir: string, id: string): Promise<BatchStore | null> {
  const here = await findBatch(outputDir, id);
  if (here !== null) return openStore(await openOutputFolder(outputDir), here);
  const elsewhere = await lookUpBatch(config.home, id);
  return elsewhere && openStore(elsewhere, elsewhere.batchId);
}

/** The batch that is there already, once it is known to be the one that was typed. */
async function checked(
  config: Config,
  store: BatchStore,
  identity: BatchIdentity,
  order: BatchOrder,
  draft: BatchDraft,
): Promise<CreatedBatch> {
  const manifest = await store.readManifest();
  if (!isOfIdentity(manifest.input_hash, identity))
    throw new UsageError(
      `--id ${store.batchId}: this batch in ${store.location.outputDir} has other prompts or other request settings ` +
        `(made ${manifest.created_at}${manifest.source ? ` from ${manifest.source}` : ''}). ` +
        'Choose another --id, or leave --id out to have one made from file and settings.',
    );
  const { request, limits } = order.settings;
  assertSameAddress(store, manifest, request);
  const digests = await promptsDigests(store.folder, manifest);
  const approval = readApproval(config.home, store, destinationOf(request, limits));
  if (approval === null || !coversPrompts(approval, digests))
    await assertSameRequests(store, manifest, draft, [request, ...order.earlier]);
  await approveTyped(config, store, order, digests);
  await registerBatch(config.home, store.location, store.batchId);
  await assertApprovedLimits(config, store, manifest, destinationOf(request, limits));
  return { store, manifest, created: false };
}

/**
 * An open batch keeps the limits in its folder, so that they must not allow more than this user has typed, now or before; and
 * its prices, which must be those that a command of this user has started a run with, or would start one with now.
 */
async function assertApprovedLimits(
  config: Config,
  store: BatchStore,
  manifest: Manifest,
  destination: Destination,
): Promise<void> {
  const { runs, limits, settings } = manifest;
  const last = runs.at(-1);
  if (last === undefined || last.outcome !== undefined || isSimulated(destination)) return;
  await approvePriceTable(
    config.home,
    store,
    destination,
    priceTableHash(await tableForRun(config, settings)),
    // Of a run that this user has started with another key variable.
    ...(readApproval(config.home, store, destinationOf(settings, limits))?.price_tables ?? []),
  );
  const approval = readApproval(config.home, store, destination);
  if (approval !== null && coversPrices(approval, runs) && isWithin(limits, approval)) return;
  const flags = destinationFlags(destination);
  throw new UsageError(
    `${store.batchId} in ${store.location.outputDir} is open with limits or prices that you have not set here (its cap: ` +
      `${limits.maxCostNanoUsd === null ? 'none' : roundCostText(limits.maxCostNanoUsd)}). Nothing was sent. If you trust them, type: ` +
      asTyped(commandLine`durabatch resume ${idWord(store.batchId)} ${shellWords(flags)}`),
  );
}

/** What was typed is approved. */
const approveTyped = (
  { home }: Config,
  store: BatchStore,
  { settings: { request, limits }, reuse: { reuse } }: BatchOrder,
  prompts: readonly string[],
): Promise<void> =>
  approve(home, store, destinationOf(request, limits), { prompts, spending: limits, reuse });

/** An id that was not typed is claimed for its requests, so that two commands at once make one batch, and two with `--new` two. */
async function newId(
  config: Config,
  { id: named, fresh }: BatchOrder,
  outputDir: string,
  { hash }: BatchIdentity,
  base: string,
): Promise<string> {
  if (named !== undefined && !fresh) return named;
  if (named === undefined && !fresh) return (await claimId(outputDir, hashName(hash), 1, base)).id;
  for (let number = 1; ; number++) {
    const id = `${named ?? base}${number === 1 ? '' : `-${number}`}`;
    if ((await findNamed(config, outputDir, id)) !== null) continue;
    if (named !== undefined || (await claimId(outputDir, hashName(hash), number, id)).isNew) return id;
  }
}
