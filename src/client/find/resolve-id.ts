/** From what was typed for the id of a batch to the id: the id itself, the beginning of one, or `@last`. */
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { MANIFEST_FILE, MAX_MANIFEST_BYTES } from '../../store/manifest/manifest.ts';
import { findBatch, listBatches } from '../../store/output-folder.ts';
import { asTyped } from '../../system/typed-command.ts';
import { commandLine, isBatchId } from '../../core/command-line.ts';
import { listRegistered, lookUpBatch } from './batch-registry.ts';
import { DEFAULT_OUTPUT_DIR } from '../options/run-defaults.ts';
import { UsageError } from '../usage-error.ts';
import { listRemoteBatches } from '../observe/remote-batch.ts';
import { connectTemporalIfRunning } from '../connect/temporal.ts';
import { readRegularText } from '../../system/files/regular-file.ts';

/** Stands for the batch that was made last, of those whose folder is here. */
export const LAST = '@last';

const MAX_SHOWN = 5;

/** Where a batch that is named is looked for. */
export interface IdScope {
  /** Only in this folder. Default: wherever this machine knows one, in the default folder, and on the server. */
  outputDir?: string | undefined;
  /** In this folder too. */
  alsoIn?: string | undefined;
  /** A batch that only the Temporal server knows is no answer: its folder is needed. */
  folderOnly?: boolean;
}

interface Place {
  folder: string;
  batchId: string;
}

/**
 * Returns the id that `typed` stands for. An exact id always wins, case aside; what no batch has is returned as it is. Throws
 * {@link UsageError} where several ids begin so, for an empty text, and for `@last` where there is no batch.
 */
export async function resolveId(config: Config, typed: string, scope: IdScope): Promise<string> {
  if (typed.trim() === '')
    throw new UsageError(
      `an id of a batch was expected, got an empty text (an empty variable of the shell?); "${asTyped(commandLine`durabatch list`)}" shows them`,
    );
  if (typed === LAST) return newest(await placesIn(config, scope), scope);
  if (await isExact(config, typed, scope)) return typed;
  const here = (await placesIn(config, scope)).map(({ batchId }) => batchId);
  const everywhere = [...here, ...(await idsOnServer(config, scope))];
  const begun = [...new Set(everywhere)].filter(
    (id) => isBatchId(id) && id.toLowerCase().startsWith(typed.toLowerCase()),
  );
  const exact = begun.find((id) => id.length === typed.length);
  if (exact !== undefined) return exact;
  if (begun.length > 1) throw new UsageError(ambiguous(typed, begun.toSorted()));
  return begun[0] ?? typed;
}

function ambiguous(typed: string, ids: readonly string[]): string {
  const shown = ids.slice(0, MAX_SHOWN).join(', ');
  const more = ids.length > MAX_SHOWN ? ` and ${ids.length - MAX_SHOWN} more` : '';
  return `${ids.length} batches begin with "${typed}": ${shown}${more}. Type enough of the id to tell them apart.`;
}

async function isExact(config: Config, typed: string, { outputDir, alsoIn }: IdScope): Promise<boolean> {
  if (outputDir !== undefined) return (await findBatch(outputDir, typed)) !== null;
  if (alsoIn !== undefined && (await findBatch(alsoIn, typed)) !== null) return true;
  if ((await lookUpBatch(config.home, typed)) !== null) return true;
  return (await findBatch(DEFAULT_OUTPUT_DIR, typed)) !== null;
}

async function placesIn(config: Config, { outputDir, alsoIn }: IdScope): Promise<Place[]> {
  const folders = outputDir === undefined ? [DEFAULT_OUTPUT_DIR, ...(alsoIn ? [alsoIn] : [])] : [outputDir];
  const places: Place[] = [];
  for (const folder of folders) {
    for (const batchId of await listBatches(folder)) places.push({ folder, batchId });
  }
  if (outputDir !== undefined) return places;
  const registered = await listRegistered(config.home);
  return [...places, ...registered.map(({ outputDir: folder, batchId }) => ({ folder, batchId }))];
}

async function idsOnServer(config: Config, { outputDir, folderOnly }: IdScope): Promise<string[]> {
  if (folderOnly || outputDir !== undefined) return [];
  // A server that cannot be reached knows nothing; the command that needs it says so.
  const temporal = await connectTemporalIfRunning(config).catch(() => null);
  if (temporal === null) return [];
  try {
    return (await listRemoteBatches(temporal)).map(({ batchId }) => batchId);
  } finally {
    await temporal.close();
  }
}

/** By when each was made, which no later run changes. */
async function newest(places: readonly Place[], { outputDir }: IdScope): Promise<string> {
  let last: { batchId: string; madeAt: string } | null = null;
  for (const { folder, batchId } of places.filter(({ batchId: id }) => isBatchId(id))) {
    const madeAt = await madeAtOf(join(folder, batchId, MANIFEST_FILE));
    if (madeAt !== null && (last === null || madeAt > last.madeAt)) last = { batchId, madeAt };
  }
  if (last !== null) return last.batchId;
  throw new UsageError(
    `${LAST}: there is no batch ${outputDir === undefined ? 'on this machine' : `in ${outputDir}`} yet. Start one: durabatch run <file>`,
  );
}

/** `null`: it cannot be read; a command that names the batch reports why. */
async function madeAtOf(manifestFile: string): Promise<string | null> {
  try {
    const { created_at: madeAt } = JSON.parse(await readRegularText(manifestFile, MAX_MANIFEST_BYTES)) as {
      created_at?: unknown;
    };
    return typeof madeAt === 'string' ? madeAt : null;
  } catch {
    return null;
  }
}
