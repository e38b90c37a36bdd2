import {
  allHandlersFinished,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { AccountView, Lease, LeaseHolder, LeaseRequest } from '../../core/lease.ts';
import { accountQuery, leaseUpdate, returnLeaseUpdate } from './account-messages.ts';
import { accountDetailsOf } from './account-page.ts';
import { isLeaseHolder, isLeaseRequest } from '../signal-checks.ts';
import { ACCOUNT_QUIET_MS } from '../policies.ts';
import { accountView, type AccountState, NEW_ACCOUNT, withLease, withoutHolder } from './share-account.ts';

/** Argument of the `providerAccount` workflow. */
export interface AccountInput {
  name: string;
  /** What the execution before this one hands on. */
  carried?: AccountState;
}

/**
 * Shares what one account with a provider allows among all batches that name it: leases them rates for a few
 * seconds at a time. Ends when the last one has given its lease back, or nobody has asked for some minutes.
 */
export async function providerAccount({ name, carried = NEW_ACCOUNT }: AccountInput): Promise<void> {
  let state = carried;
  let askedAt = Date.now();
  let isLeft = false;

  setHandler(accountQuery, view);
  setHandler(leaseUpdate, grant, { validator: assertLeaseRequest });
  setHandler(returnLeaseUpdate, takeBack, { validator: assertHolder });

  do {
    await condition(() => isLeft || workflowInfo().continueAsNewSuggested, ACCOUNT_QUIET_MS);
    await condition(allHandlersFinished);
    if (!isLeft && workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof providerAccount>({ name, carried: state });
  } while (!isOver());

  function isOver(): boolean {
    return isLeft || Date.now() - askedAt >= ACCOUNT_QUIET_MS;
  }

  function grant(request: LeaseRequest): Lease {
    askedAt = Date.now();
    isLeft = false;
    const granted = withLease(state, request, askedAt);
    state = granted.state;
    show();
    return granted.lease;
  }

  function takeBack(holder: LeaseHolder): void {
    state = withoutHolder(state, holder);
    isLeft = view().batches.length === 0;
    show();
  }

  function view(): AccountView {
    return accountView(state, Date.now());
  }

  function show(): void {
    setCurrentDetails(accountDetailsOf(name, view()));
  }
}

function assertLeaseRequest(request: LeaseRequest): void {
  if (!isLeaseRequest(request)) throw new Error('this is no request for a lease');
}

function assertHolder(holder: LeaseHolder): void {
  if (!isLeaseHolder(holder)) throw new Error('this is no holder of a lease');
}
