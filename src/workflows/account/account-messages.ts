/** What can be asked of an account. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { AccountView, Lease, LeaseHolder, LeaseRequest } from '../../core/lease.ts';

/** Grants a part of what the account allows. */
export const leaseUpdate = defineUpdate<Lease, [LeaseRequest]>('lease');

/** Gives it back before its time. */
export const returnLeaseUpdate = defineUpdate<void, [LeaseHolder]>('returnLease');

/** Cheap and read-only. */
export const accountQuery = defineQuery<AccountView>('account');
