import { type Client, isGrpcServiceError } from '@temporalio/client';
import { type AccountView, accountWorkflowId } from '../../src/core/lease.ts';
import { accountQuery } from '../../src/workflows/account/account-messages.ts';

/** Returns what an account tells of its leases, or `null` where its worker is too slow to answer for now. */
export const accountViewOf = ({ workflow }: Client, name: string): Promise<AccountView | null> =>
  workflow
    .getHandle(accountWorkflowId(name))
    .query(accountQuery)
    .catch((error: unknown) => {
      if (isGrpcServiceError(error)) return null;
      throw error;
    });
