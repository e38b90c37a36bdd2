/** Which keys a worker may use where, and by which prices it may charge what it buys. */
import type { ChargePolicy, KeyPolicy } from '../../worker/batch-worker.ts';
import { providers } from '../../providers/catalog.ts';
import { type Destination, isSimulated, isUsual } from '../../providers/destination.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import { promptsDigests } from '../../store/prompts/prompts-digest.ts';
import { coversBatch, coversCharge, isWithin, readApproval } from './approvals.ts';

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

/** Policy of a worker on what its own user has started or confirmed. What is approved once stays so. */
export function ownChargePolicy(home: string, store: BatchStore): ChargePolicy {
  const known = new Set<string>();
  return (destination, by) => {
    const name = JSON.stringify([destination, by]);
    if (isSimulated(destination) || known.has(name)) return true;
    const approval = readApproval(home, store, destination);
    if (approval === null || !coversCharge(approval, by)) return false;
    known.add(name);
    return true;
  };
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
    const isAllowed = isAllowedBy(allowed, destination);
    if (isAllowed || digests === null) return isAllowed;
    const approval = readApproval(home, store, destination);
    return coversBatch(approval, manifest, digests) && isWithin(manifest.limits, approval);
  };

/** The same worker's policy on what is charged: whoever lets it work for others lets them say the prices. */
export function sharedChargePolicy(
  home: string,
  store: BatchStore,
  allowed: readonly AllowedAddress[],
): ChargePolicy {
  const own = ownChargePolicy(home, store);
  return (destination, by) => isAllowedBy(allowed, destination) || own(destination, by);
}

const isAllowedBy = (allowed: readonly AllowedAddress[], destination: Destination): boolean =>
  isSimulated(destination) ||
  isUsual(destination) ||
  allowed.some(
    ({ baseUrl, apiKeyEnv = providers[destination.provider].apiKeyEnv }) =>
      baseUrl === destination.baseUrl && apiKeyEnv === destination.apiKeyEnv,
  );
