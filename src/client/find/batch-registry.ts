/** What this machine's user has started, by batch id: so that `status <id>` needs no folder. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { StoreLocation } from '../../core/batch-layout.ts';
import { findBatch, findOutputFolder, listBatches } from '../../store/output-folder.ts';
import { replaceFile } from '../../system/files/replace-file.ts';
import { makeFolder } from '../../system/files/sync-folder.ts';
import { readRegularText } from '../../system/files/regular-file.ts';
import { isBatchId } from '../../core/command-line.ts';
import { inHome } from '../../system/home.ts';

const entrySchema = z.object({
  kind: z.literal('local'),
  batchId: z.string().refine(isBatchId),
  outputDir: z.string(),
  uuid: z.string(),
});
export type RegistryEntry = StoreLocation & { batchId: string };

const folderOf = (home: string): string => inHome(home, 'batches');
const ENTRY_SUFFIX = '.json';
const fileOf = (home: string, batchId: string): string =>
  join(folderOf(home), batchId.toLowerCase() + ENTRY_SUFFIX);
const idOfFile = (name: string): string => name.slice(0, -ENTRY_SUFFIX.length);

/** What is no id of a batch is not registered. */
export async function registerBatch(home: string, location: StoreLocation, batchId: string): Promise<void> {
  if (!isBatchId(batchId)) return;
  await makeFolder(folderOf(home));
  await replaceFile(fileOf(home, batchId), `${JSON.stringify({ ...location, batchId })}\n`);
}

/** Where a batch was last seen, if it is still there; `null` otherwise. */
export async function lookUpBatch(home: string, batchId: string): Promise<RegistryEntry | null> {
  // It may come from a manifest, and is part of a path.
  if (!isBatchId(batchId)) return null;
  const entry = await readEntry(fileOf(home, batchId));
  return entry && (await isStillThere(entry)) ? entry : null;
}

/** All registered batches that are still there, but for those of the folder `except`. Reads each of their folders once. */
export async function listRegistered(home: string, except: string | null = null): Promise<RegistryEntry[]> {
  const byFolder = new Map<string, RegistryEntry[]>();
  for (const entry of await readRegistry(home)) {
    if (entry.outputDir === except) continue;
    const known = byFolder.get(entry.outputDir);
    if (known) known.push(entry);
    else byFolder.set(entry.outputDir, [entry]);
  }
  const there = await Promise.all([...byFolder].map(([folder, entries]) => stillIn(folder, entries)));
  return there.flat();
}

async function stillIn(folder: string, entries: readonly RegistryEntry[]): Promise<RegistryEntry[]> {
  const location = await findOutputFolder(folder).catch(() => null);
  if (location === null) return [];
  const ids = new Set((await listBatches(folder)).map((id) => id.toLowerCase()));
  return entries.filter(({ uuid, batchId }) => uuid === location.uuid && ids.has(batchId.toLowerCase()));
}

/** Batches that are still there and have this, in lower case, in their id. */
export async function findRegistered(home: string, part: string): Promise<RegistryEntry[]> {
  const entries = await readRegistry(home, (id) => id.includes(part));
  const there = await Promise.all(entries.map(isStillThere));
  return entries.filter((_, index) => there[index]);
}

/**
 * All registered batches, also those that are no longer there. `isWanted` is asked with each id in lower case: entries of
 * the others are not read.
 */
export async function readRegistry(
  home: string,
  isWanted: (id: string) => boolean = () => true,
): Promise<RegistryEntry[]> {
  const names = await readdir(folderOf(home)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const wanted = names.filter((name) => name.endsWith(ENTRY_SUFFIX) && isWanted(idOfFile(name)));
  const entries = await Promise.all(wanted.map((name) => readEntry(join(folderOf(home), name))));
  return entries.filter((entry) => entry !== null);
}

/** What was damaged is as good as forgotten: only where the batch is was in it. */
async function readEntry(file: string): Promise<RegistryEntry | null> {
  const text = await readRegularText(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return entrySchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The folder may have been moved or emptied, and another store may live in its place. */
export async function isStillThere({
  outputDir,
  uuid,
  batchId,
}: Pick<RegistryEntry, 'outputDir' | 'uuid' | 'batchId'>): Promise<boolean> {
  const location = await findOutputFolder(outputDir).catch(() => null);
  return location?.uuid === uuid && (await findBatch(outputDir, batchId)) !== null;
}
