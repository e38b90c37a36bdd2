/** What a batch may send under its account at present, and why. */
import { type AccountView, accountWorkflowId, ratesOf } from '../../core/lease.ts';
import type { AccountLimits } from '../../core/settings.ts';
import { accountQuery } from '../../workflows/account/account-messages.ts';
import { ratesText } from '../../workflows/account/account-page.ts';
import type { Temporal } from '../connect/temporal.ts';

/** Asks the account; where nobody answers in time, it tells what is known without. */
export async function accountStatus(
  { client }: Temporal,
  account: AccountLimits,
  batchId: string,
  waitMs: number,
): Promise<string> {
  const view = await client
    .withDeadline(Date.now() + waitMs, () =>
      client.workflow.getHandle(accountWorkflowId(account.name)).query(accountQuery),
    )
    // No batch has asked it yet, or its workers are away.
    .catch(() => null);
  return accountText(account, batchId, view);
}

export function accountText(account: AccountLimits, batchId: string, view: AccountView | null): string {
  const named = ratesText(ratesOf(account));
  const own = view?.batches.find((batch) => batch.batchId === batchId);
  if (!view || !own) return `${account.name}: ${named}`;
  const holding = ratesText(view.limits);
  const lower = holding === named ? '' : `, since another batch names less than this one's ${named}`;
  const others = view.batches.length - 1;
  const shared =
    others === 0 ? '' : `, shared with ${others === 1 ? '1 other batch' : `${others} other batches`}`;
  return `${account.name}: ${holding}${lower}${shared}; this batch may send ${ratesText(own.rates)} now`;
}
