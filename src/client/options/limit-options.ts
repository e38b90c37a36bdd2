/** What is typed of a run's limits, and of what its account with the provider allows. */
import type { AccountLimits, LimitChanges, RunLimits } from '../../core/settings.ts';
import { UsageError } from '../usage-error.ts';
import type { limitFlags, setFlags } from './flags.ts';
import type { FlagFault, FlagValues } from './parse-flags.ts';

type LimitFlags = Partial<FlagValues<typeof limitFlags>>;

/** What was typed of an account's limits: the rest is as before, or the default. */
export type TypedAccount = Partial<Omit<AccountLimits, 'setAt'>>;

/** What was typed, and nothing else. */
export interface TypedLimits {
  typedLimits: Partial<RunLimits>;
  /** Apart: what the account is called is not known from flags alone. */
  typedAccount?: TypedAccount;
}

export const ACCOUNT_WITHOUT_LIMITS = 'says whose limits --rpm and --tpm are: give one of them too';

/** A price is known whole or not at all. */
export function priceFaults({ priceInput, priceOutput, priceCached }: LimitFlags): FlagFault[] {
  if (priceInput === undefined && priceOutput === undefined && priceCached === undefined) return [];
  return [
    ...(priceInput === undefined
      ? [{ flag: 'priceInput', message: 'is needed where --price-output or --price-cached is given' }]
      : []),
    ...(priceOutput === undefined
      ? [{ flag: 'priceOutput', message: 'is needed where --price-input or --price-cached is given' }]
      : []),
  ];
}

export function toTypedLimits(flags: LimitFlags): TypedLimits {
  const { rpm, tpm, account } = flags;
  const limits = {
    ...flags.maxWorkers,
    maxAttempts: flags.maxAttempts,
    requestTimeoutMs: flags.requestTimeout,
    idleTimeoutMs: flags.idleTimeout,
    patienceMs: flags.patience,
    rejectTruncated: flags.rejectTruncated,
    retryEmpty: flags.retryEmpty,
    maxFailures: flags.maxFailures,
    maxCostNanoUsd: flags.maxCost,
    prices: toPrices(flags),
    apiKeyEnv: flags.apiKeyEnv,
    simulateLatencyMs: flags.simulateLatency,
    simulateErrors: flags.simulateErrors,
  } satisfies { [Name in keyof RunLimits]?: RunLimits[Name] | undefined };
  const typedAccount = defined({ name: account, requestsPerMinute: rpm, tokensPerMinute: tpm });
  return {
    typedLimits: defined(limits),
    ...(Object.keys(typedAccount).length > 0 && { typedAccount }),
  };
}

const defined = <T extends object>(values: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;

function toPrices({ priceInput, priceOutput, priceCached }: LimitFlags): RunLimits['prices'] | undefined {
  if (priceInput === undefined || priceOutput === undefined) return undefined;
  return {
    inputPerMillion: priceInput,
    outputPerMillion: priceOutput,
    ...(priceCached === undefined ? {} : { cachedPerMillion: priceCached }),
  };
}

const flagOfField: Record<keyof TypedAccount, string> = {
  name: '--account',
  requestsPerMinute: '--rpm',
  tokensPerMinute: '--tpm',
};

/** The flags by which it was typed. */
export const flagsOfAccount = (typed: TypedAccount): string[] =>
  Object.keys(typed).map((field) => flagOfField[field as keyof TypedAccount]);

/** What `set` is to change. Throws {@link UsageError} where that is nothing. */
export function toLimitChanges(flags: FlagValues<typeof setFlags>): {
  changes: LimitChanges;
  typedAccount?: TypedAccount;
} {
  const { typedLimits, ...account } = toTypedLimits(flags);
  if (Object.keys(typedLimits).length === 0 && !account.typedAccount)
    throw new UsageError(
      'set: say what to set: --max-workers <n|auto>, --rpm <n>, --tpm <n>, --account <name>, --max-cost <usd>, --max-failures <n|p%> or --patience <time>',
    );
  return { changes: typedLimits, ...account };
}
