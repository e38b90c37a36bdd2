/** Which keys a worker may use where. */
import type { KeyPolicy } from '../worker.ts';
import { providers } from '../providers/catalog.ts';
import type { RunLimits } from '../contract.ts';
import { type Destination, isSimulated, isUsual } from '../providers/destination.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { promptsDigests } from '../store/prompts-digest.ts';
import { coversPrompts, isWithin, readApproval } from './approvals.ts';

/** An address that a worker's own configuration allows. */
export interface AllowedAddress {
  baseUrl: string;
  /** Name of the variable whose value may go there. Default: the provider's own. */
  apiKeyEnv?: string;
}

/** Policy of a worker on a batch that its own user has started or confirmed, with the prompts it has now. */
export async function ownKeyPolicy(home: string, store: BatchStore): Promise<KeyPolicy> {
  const digests = await promptsDigests(store.folder, await store.readManifest());
  return (destination) => isSimulated(destination) || isApproved(home, store, destination, digests);
}

/** What a worker knows of a batch that it may take on. */
export interface OfferedBatch {
  store: BatchStore;
  limits: RunLimits;
  /** Of all its prompts; `null`: they cannot be read. */
  digests: readonly string[] | null;
}

/**
 * Policy of a worker that takes on what others have started: it also uses the providers' own addresses and those that are
 * allowed. Of what its user has approved, prompts, settings and limits must be the same.
 */
export const sharedKeyPolicy =
  (home: string, { store, limits, digests }: OfferedBatch, allowed: readonly AllowedAddress[]): KeyPolicy =>
  (destination) =>
    isSimulated(destination) ||
    isUsual(destination) ||
    allowed.some(
      ({ baseUrl, apiKeyEnv = providers[destination.provider].apiKeyEnv }) =>
        baseUrl === destination.baseUrl && apiKeyEnv === destination.apiKeyEnv,
    ) ||
    (digests !== null && isApproved(home, store, destination, digests, limits));

function isApproved(
  home: string,
  store: BatchStore,
  destination: Destination,
  digests: readonly string[],
  limits?: RunLimits,
): boolean {
  const approval = readApproval(home, store, destination);
  return (
    approval !== null &&
    coversPrompts(approval, digests) &&
    (limits === undefined || isWithin(limits, approval))
  );
}
