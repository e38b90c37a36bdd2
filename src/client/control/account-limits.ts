/** What a batch's account allows, from what was typed, what was before, and what goes without saying. */
import type { AccountLimits, BatchSettings, RequestSettings, RunLimits } from '../../core/settings.ts';
import { ACCOUNT_WITHOUT_LIMITS, type TypedAccount } from '../options/limit-options.ts';
import { UsageError } from '../usage-error.ts';

/** Throws {@link UsageError} where there is a name, and no limit. */
export function accountLimits(
  typed: TypedAccount,
  before: AccountLimits | null,
  { request, limits }: { request: RequestSettings; limits: Pick<RunLimits, 'apiKeyEnv'> },
): AccountLimits {
  const account = {
    name: defaultAccountName(request, limits),
    requestsPerMinute: null,
    tokensPerMinute: null,
    ...before,
    ...typed,
  };
  if (account.requestsPerMinute === null && account.tokensPerMinute === null)
    throw new UsageError(`--account: ${ACCOUNT_WITHOUT_LIMITS}`);
  return account;
}

/** Limits that were typed for a batch that exists, with the account as it is then. `at`: ms since 1970. */
export const withAccount = (
  typed: Partial<RunLimits>,
  typedAccount: TypedAccount | undefined,
  { request, limits }: BatchSettings,
  at = Date.now(),
): Partial<RunLimits> => {
  if (typedAccount === undefined) return typed;
  const now = { request, limits: { ...limits, ...typed } };
  return { ...typed, account: { ...accountLimits(typedAccount, limits.account ?? null, now), setAt: at } };
};

/** A key is an account, as far as anybody here can tell: its variable at the provider's host. */
function defaultAccountName(
  { provider, baseUrl }: RequestSettings,
  { apiKeyEnv }: Pick<RunLimits, 'apiKeyEnv'>,
): string {
  const host = URL.canParse(baseUrl) ? new URL(baseUrl).host.replaceAll(/[[\]]/g, '') : provider;
  return apiKeyEnv === '' ? host : `${apiKeyEnv}@${host}`;
}
