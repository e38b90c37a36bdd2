/** Which keys a worker may use where. */
import type { KeyPolicy } from '../../worker/batch-worker.ts';
import { providers } from '../../providers/catalog.ts';
import { isSimulated, isUsual } from '../../providers/destination.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import { promptsDigests } from '../../store/prompts/prompts-digest.ts';
import { coversBatch, isWithin, readApproval } from './approvals.ts';

/** An address that a worker's own configuration allows. */
export interface AllowedAddress {
  baseUrl: string;
  /** Name of the variable whose value may go there. Default: the provider's own. */
  apiKeyEnv?: string;
}

/** Policy of a worker on a batch that its own user has started or confirmed, with the prompts and price tables it has now. */
export async function ownKeyPolicy(home: string, store: BatchStore): Promise<KeyPolicy> {
  const manifest = await store.readManifest();
  const digests = await promptsDigests(store.folder, manifest);
  return (destination) =>
    isSimulated(destination) || coversBatch(readApproval(home, store, destination), manifest, digests);
}

/** What a worker knows of a batch that it may take on. */
export interface OfferedBatch {
  store: BatchStore;
  manifest: Manifest;
  /** Of all its prompts; `null`: they cannot be read. */
  digests: readonly string[] | null;
}

/**
 * Policy of a worker that takes on what others have started: it also uses the providers' own addresses and those that are
 * allowed. Of what its user has approved, prompts, settings, price tables and limits must be the same.
 */
export const sharedKeyPolicy =
  (home: string, { store, manifest, digests }: OfferedBatch, allowed: readonly AllowedAddress[]): KeyPolicy =>
  (destination) => {
    if (isSimulated(destination) || isUsual(destination)) return true;
    const isAllowed = allowed.some(
      ({ baseUrl, apiKeyEnv = providers[destination.provider].apiKeyEnv }) =>
        baseUrl === destination.baseUrl && apiKeyEnv === destination.apiKeyEnv,
    );
    if (isAllowed || digests === null) return isAllowed;
    const approval = readApproval(home, store, destination);
    return coversBatch(approval, manifest, digests) && isWithin(manifest.limits, approval);
  };
