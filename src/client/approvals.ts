/** Which batches this user lets send a key where. Kept in the state folder, so that no batch folder can say it of itself. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StoreLocation } from '../contract.ts';
import { type Destination, isSimulated, isUsual } from '../providers/destination.ts';
import { replaceFile } from '../store/replace-file.ts';
import { makeFolder } from '../store/sync-folder.ts';
import { readRegistry } from './batch-registry.ts';

export interface ApprovedBatch {
  location: Pick<StoreLocation, 'uuid'>;
  batchId: string;
}

const folderOf = (home: string): string => join(home, 'approvals');

/** One file for each batch, address and variable: approving one can never widen another. */
function fileOf(home: string, { location, batchId }: ApprovedBatch, destination: Destination): string {
  const { provider, baseUrl, apiKeyEnv } = destination;
  const name = JSON.stringify([location.uuid, batchId, provider, baseUrl, apiKeyEnv]);
  return join(folderOf(home), `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.json`);
}

/** Remembers that the user has typed or confirmed this. */
export async function approve(home: string, batch: ApprovedBatch, destination: Destination): Promise<void> {
  if (existsSync(fileOf(home, batch, destination))) return;
  await makeFolder(folderOf(home));
  const note = { batch_id: batch.batchId, store_uuid: batch.location.uuid, ...destination };
  await replaceFile(fileOf(home, batch, destination), `${JSON.stringify(note)}\n`);
}

/** Whether the batch may use this key at this address. What is simulated uses none. */
export const isApproved = (home: string, batch: ApprovedBatch, destination: Destination): boolean =>
  isSimulated(destination) || existsSync(fileOf(home, batch, destination));

/**
 * Whether this user has started the batch or approved it. Version 0.1.0 kept no approvals: a batch that it has registered
 * here counts too, if the provider's own key goes to the provider itself.
 */
export async function isOwn(home: string, batch: ApprovedBatch, destination: Destination): Promise<boolean> {
  if (existsSync(fileOf(home, batch, destination))) return true;
  if (!isUsual(destination)) return false;
  const known = await readRegistry(home, (id) => id === batch.batchId.toLowerCase());
  return known.some(({ uuid }) => uuid === batch.location.uuid);
}
