import type { RequestGate } from '../activities/request-gate.ts';
import type { AccountLimits } from '../core/settings.ts';
import { type AccountGate, createAccountGate } from './account-gate.ts';
import { type AccountLink, type AccountWorkerOptions, openAccount } from './account-worker.ts';
import { createLeaseNotes } from './lease-notes.ts';

export interface BatchAccountsOptions extends AccountWorkerOptions {
  batchId: string;
  stopping: AbortSignal;
  note(line: string): void;
}

/** The gates of one batch in one process: one for each account that it has named. */
export interface BatchAccounts {
  gate(limits: AccountLimits): RequestGate;
  /** Gives everything back. */
  close(): Promise<void>;
}

export function createBatchAccounts({
  batchId,
  stopping,
  note,
  ...options
}: BatchAccountsOptions): BatchAccounts {
  const holder = { worker: options.identity, batchId };
  const open = new Map<string, { gate: AccountGate; link: AccountLink }>();

  const openGate = (limits: AccountLimits) => {
    const link = openAccount(limits.name, options);
    const onLease = createLeaseNotes(() => gate.limits, note);
    const gate = createAccountGate(limits, {
      ...holder,
      ask: link.ask,
      stopping,
      now: () => performance.now(),
      onLease,
    });
    const opened = { gate, link };
    open.set(limits.name, opened);
    return opened;
  };

  return {
    gate: (limits) => {
      const { gate } = open.get(limits.name) ?? openGate(limits);
      gate.named(limits);
      return gate;
    },
    close: async () => {
      await Promise.all(
        [...open.values()].map(async ({ gate, link }) => {
          await gate.close();
          await link.close(holder);
        }),
      );
    },
  };
}
