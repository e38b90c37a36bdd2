import type { AccountLimits } from '../core/settings.ts';
import { ratesText } from '../workflows/account/account-page.ts';
import { type Lease, ratesOf } from '../core/lease.ts';

/** Says what changes for a batch when others come to its account or go, and once what holds where others name less. */
export function createLeaseNotes(
  limits: () => AccountLimits,
  note: (line: string) => void,
): (lease: Lease) => void {
  let batches = 1;
  let holding = '';
  return (lease) => {
    const { name } = limits();
    const named = ratesText(ratesOf(limits()));
    const now = ratesText(lease.limits);
    if (lease.batches !== batches) {
      note(
        lease.batches === 1
          ? `Account ${name}: this batch has all of its ${now} again.`
          : `Account ${name}: ${lease.batches} batches share its ${now}.`,
      );
    }
    if (now !== (holding || named) && now !== named) {
      note(
        `Account ${name}: another batch names ${now}; the lowest holds, instead of this batch's ${named}.`,
      );
    }
    batches = lease.batches;
    holding = now;
  };
}
