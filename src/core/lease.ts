/** What the workers of batches and the workflow of their common account agree on. */
import type { AccountLimits } from './settings.ts';

export const permitKinds = ['requests', 'tokens'] as const;
export type PermitKind = (typeof permitKinds)[number];

/** Permits a minute of each kind; `null`: as many as one likes. */
export type Rates = Record<PermitKind, number | null>;

/** One process on one batch asks for its part of what the account allows. */
export interface LeaseRequest {
  /** Identity of the process. */
  worker: string;
  batchId: string;
  /** What it was told that the account allows. */
  limits: Rates;
  /** What it could use; `null`: whatever there is. */
  wants: Rates;
  /** Version of the newest lease that has reached it, from 1: older ones are out of use. */
  seen: number;
  /** Processes that are proven dead. */
  dead: string[];
}

/** The right to send at these rates for a while. A newer one takes its place. */
export interface Lease {
  version: number;
  rates: Rates;
  /** What it may count on if it wants more: as soon as others have handed it over. */
  fair: Rates;
  /** Counted from the moment it was asked for. */
  validMs: number;
  /** When to ask for the next one, from now. */
  askAgainMs: number;
  /** What holds for the account: the lowest that anybody names. */
  limits: Rates;
  /** Batches that share the account. */
  batches: number;
  /** Processes whose leases are in the way of a fair part: if dead, their permits need not be waited for. */
  inTheWay: string[];
}

/** Whoever gives its lease back. */
export type LeaseHolder = Pick<LeaseRequest, 'worker' | 'batchId'>;

/** The answer of the `account` query. */
export interface AccountView {
  limits: Rates;
  batches: { batchId: string; limits: Rates; rates: Rates }[];
}

export const ratesOf = ({ requestsPerMinute, tokensPerMinute }: Omit<AccountLimits, 'name'>): Rates => ({
  requests: requestsPerMinute,
  tokens: tokensPerMinute,
});

export const accountWorkflowId = (name: string): string => `durabatch-account:${name}`;
export const accountTaskQueue = accountWorkflowId;
