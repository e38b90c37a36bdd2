/** Which keys a worker may use where. */
import type { KeyPolicy } from '../worker.ts';
import { providers } from '../providers/catalog.ts';
import { isUsual } from '../providers/destination.ts';
import { type ApprovedBatch, isApproved } from './approvals.ts';

/** An address that a worker's own configuration allows. */
export interface AllowedAddress {
  baseUrl: string;
  /** Name of the variable whose value may go there. Default: the provider's own. */
  apiKeyEnv?: string;
}

/** Of a worker that works on a batch which its own user has started or confirmed. */
export const ownKeyPolicy =
  (home: string, batch: ApprovedBatch): KeyPolicy =>
  (destination) =>
    isApproved(home, batch, destination);

/** Of a worker that takes on what others have started: besides that, the providers' own addresses and those that are allowed. */
export const sharedKeyPolicy =
  (home: string, batch: ApprovedBatch, allowed: readonly AllowedAddress[]): KeyPolicy =>
  (destination) =>
    isUsual(destination) ||
    isApproved(home, batch, destination) ||
    allowed.some(
      ({ baseUrl, apiKeyEnv = providers[destination.provider].apiKeyEnv }) =>
        baseUrl === destination.baseUrl && apiKeyEnv === destination.apiKeyEnv,
    );
