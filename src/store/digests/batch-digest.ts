import { addBills, type BillTally, emptyBill } from './bill-tally.ts';
import type { Paid } from '../../core/receipt.ts';
import { type FailureGroup, failureGroups, noFailures, withLater } from './failure-tally.ts';
import type { BatchStore } from '../batch-store.ts';
import { shardDigests } from './shard-digests.ts';
import { addPaid, NOTHING_PAID } from '../ledger/prompt-state.ts';

export interface BatchDigest {
  succeeded: number;
  failed: number;
  open: number;
  paid: Paid;
  /** Newest record of each run, ISO 8601: how long a run lived that nobody saw end. */
  lastRecordAt: Map<number, string>;
  bill: BillTally;
  /** The most frequent first. */
  failures: FailureGroup[];
}

/** How a batch stands, from the notes beside its ledger where they are valid: for whoever has no time to read it. */
export async function batchDigest(store: BatchStore): Promise<BatchDigest> {
  const sum = { succeeded: 0, failed: 0, open: 0, paid: NOTHING_PAID, bill: emptyBill };
  const lastRecordAt = new Map<number, string>();
  let failures = noFailures;
  for await (const digest of shardDigests(store)) {
    sum.succeeded += digest.succeeded;
    sum.failed += digest.failed;
    sum.open += digest.open;
    sum.paid = addPaid(sum.paid, digest.paid);
    sum.bill = addBills(sum.bill, digest.bill);
    failures = withLater(failures, digest.failures);
    for (const { run, at } of digest.lastRecordAt)
      if (at > (lastRecordAt.get(run) ?? '')) lastRecordAt.set(run, at);
  }
  return { ...sum, lastRecordAt, failures: failureGroups(failures) };
}
