/** From requests to the batch that has them, whatever it is called. */
import { join } from 'node:path';
import type { StoreLocation } from '../../core/batch-layout.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { claimedIds } from '../../store/batch-claims.ts';
import { type Manifest, MANIFEST_FILE, MAX_MANIFEST_BYTES } from '../../store/manifest/manifest.ts';
import { manifestSchema } from '../../store/manifest/manifest-schema.ts';
import { listBatches } from '../../store/output-folder.ts';
import { type BatchIdentity, allHashes, hashInId, hashName, isOfIdentity } from '../start/batch-identity.ts';
import { findRegistered } from './batch-registry.ts';
import { openStore } from './locate-batch.ts';
import { readRegularText, UnfitFileError } from '../../system/files/regular-file.ts';

/**
 * The batch of these requests in the folder, else in another folder that this machine remembers; `null`: there is none.
 * Of several the newest that is not over, else the newest.
 */
export async function findSameBatch(
  home: string,
  location: StoreLocation,
  identity: BatchIdentity,
): Promise<BatchStore | null> {
  const { outputDir } = location;
  const claimedBatches = await ofIdentity(
    outputDir,
    await claimedIds(outputDir, hashName(identity.hash)),
    identity,
  );
  const found =
    chosen(claimedBatches.filter(({ isOver }) => !isOver)) ??
    // Batches that were named by --id, moved here, or made by version 0.1.0 have no claim.
    chosen(await ofIdentity(outputDir, await listBatches(outputDir), identity));
  if (found !== null) return openStore(location, found);
  for (const hash of allHashes(identity)) {
    for (const entry of await findRegistered(home, hashInId(hash))) {
      if (chosen(await ofIdentity(entry.outputDir, [entry.batchId], identity)) !== null)
        return openStore(entry, entry.batchId);
    }
  }
  return null;
}

interface Found {
  id: string;
  createdAt: string;
  isOver: boolean;
}

/** Those of these ids whose batch is there and has these requests. */
async function ofIdentity(
  outputDir: string,
  ids: readonly string[],
  identity: BatchIdentity,
): Promise<Found[]> {
  const found: Found[] = [];
  for (const id of ids) {
    const manifest = await readIfThere(join(outputDir, id, MANIFEST_FILE));
    if (!manifest?.input_hash || !isOfIdentity(manifest.input_hash, identity)) continue;
    const isOver = manifest.runs.at(-1)?.outcome !== undefined;
    found.push({ id, createdAt: manifest.created_at, isOver });
  }
  return found;
}

const chosen = (found: readonly Found[]): string | null =>
  found.toSorted((a, b) => Number(a.isOver) - Number(b.isOver) || b.createdAt.localeCompare(a.createdAt))[0]
    ?.id ?? null;

/** `null` also for a damaged batch: a command that names it by id reports the damage. */
async function readIfThere(file: string): Promise<Manifest | null> {
  const text = await readRegularText(file, MAX_MANIFEST_BYTES).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof UnfitFileError || error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
  try {
    return text === null ? null : manifestSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
