/** From prompts and settings to a batch in its store: the same ones give the same batch. */
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import type { Config } from '../config.ts';
import { type BatchSettings, SHARD_SIZE } from '../contract.ts';
import { pricesVersion } from '../providers/prices-version.ts';
import { BatchDraft } from '../store/batch-draft.ts';
import { type BatchStore } from '../store/batch-store.ts';
import { findBatch, openOutputFolder } from '../store/output-folder.ts';
import type { Manifest } from '../store/manifest.ts';
import { lookUpBatch, registerBatch } from './batch-registry.ts';
import { createInputHash, INPUT_HASH_VERSION } from './input-hash.ts';
import { slugOfFile } from './input/file-slug.ts';
import type { PromptSink } from './input/prompt-intake.ts';
import type { PromptSource } from './input/read-prompt-file.ts';
import { openStore } from './locate-batch.ts';
import { UsageError } from './options/usage-error.ts';

export interface BatchOrder {
  /** Streams the prompts; throws `InputError`. */
  read(sink: PromptSink): Promise<PromptSource>;
  /** Name of the input, for the default id and the manifest; `null` for a list in memory. */
  file: string | null;
  settings: BatchSettings;
  outputDir: string;
  id: string | undefined;
  /** Ids of earlier batches, noted in the manifest. */
  reuse: string[];
  /** Makes another batch where there is one already. */
  fresh: boolean;
  /** Last check before a new batch is made; what it throws leaves nothing behind. */
  beforeCommit?: () => void;
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
  const location = await openOutputFolder(order.outputDir);
  const draft = await BatchDraft.open(location, SHARD_SIZE);
  try {
    const { request, limits } = order.settings;
    const hash = createInputHash(request);
    let maxCompletions = 1;
    const source = await order.read(async (item) => {
      hash.add(item);
      maxCompletions = Math.max(maxCompletions, item.completions ?? request.completions);
      await draft.add(item);
    });
    const sha256 = hash.digest();
    const id = await idOf(config, order, location.outputDir, sha256);
    const known = await findKnown(config, location.outputDir, id);
    if (known) {
      await draft.discard();
      return checked(known, order, sha256);
    }
    order.beforeCommit?.();
    const manifest: Manifest = {
      format: 1,
      batch_id: id,
      batch_name: source.batchName ?? (order.file === null ? id : basename(order.file)),
      description: source.description ?? null,
      source: order.file,
      metadata: source.metadata ?? {},
      created_at: new Date().toISOString(),
      store_uuid: location.uuid,
      input_hash: { version: INPUT_HASH_VERSION, sha256 },
      prompts: draft.prompts,
      shard_size: SHARD_SIZE,
      shards: draft.shards,
      max_completions: maxCompletions,
      settings: request,
      limits,
      runs: [],
      versions: { durabatch: version, prices: pricesVersion },
      reuse: order.reuse,
      pause: null,
    };
    const created = await draft.commit(manifest);
    await registerBatch(config.home, location, id);
    const store = openStore(location, id);
    return created ? { store, manifest, created } : checked(store, order, sha256);
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

/** In the folder that was named, or in the one this machine remembers: a batch lives in its first folder. */
async function findKnown(config: Config, outputDir: string, id: string): Promise<BatchStore | null> {
  const here = await findBatch(outputDir, id);
  if (here !== null) {
    const location = await openOutputFolder(outputDir);
    await registerBatch(config.home, location, here);
    return openStore(location, here);
  }
  const elsewhere = await lookUpBatch(config.home, id);
  return elsewhere && openStore(elsewhere, elsewhere.batchId);
}

async function checked(store: BatchStore, order: BatchOrder, sha256: string): Promise<CreatedBatch> {
  const manifest = await store.readManifest();
  if (manifest.input_hash.sha256 === sha256) return { store, manifest, created: false };
  throw new UsageError(
    `--id ${store.batchId}: this batch in ${store.location.outputDir} has other prompts or other request settings ` +
      `(made ${manifest.created_at}${manifest.source ? ` from ${manifest.source}` : ''}). ` +
      'Choose another --id, or leave --id out to have one made from file and settings.',
  );
}

async function idOf(config: Config, order: BatchOrder, outputDir: string, sha256: string): Promise<string> {
  const base =
    order.id ?? `${order.file === null ? 'prompts' : slugOfFile(order.file)}-${sha256.slice(0, 12)}`;
  if (!order.fresh) return base;
  let id = base;
  for (let counter = 2; (await findKnown(config, outputDir, id)) !== null; counter++)
    id = `${base}-${counter}`;
  return id;
}
