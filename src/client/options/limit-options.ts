/** Flags for how a run works through its requests: the same on every command that starts one. */
import type { Command } from 'commander';
import * as z from 'zod';
import { DEFAULT_CEILING, MAX_WORKERS, type RunLimits } from '../../core/settings.ts';
import { shortDuration } from '../render/duration-text.ts';
import { accountFlags, addAccountOptions, toTypedAccount, type TypedAccount } from './account-options.ts';
import {
  durationValue,
  failureLimitValue,
  integerValue,
  maxWorkersValue,
  priceValue,
  shareValue,
  usdValue,
  variableNameValue,
} from './flag-values.ts';
import { parseFlags } from './parse-flags.ts';

export const limitFlags = {
  maxWorkers: maxWorkersValue.optional(),
  maxAttempts: integerValue(1).optional(),
  requestTimeout: durationValue(1).optional(),
  idleTimeout: durationValue(1).optional(),
  patience: durationValue(0).optional(),
  rejectTruncated: z.boolean().optional(),
  retryEmpty: z.boolean().optional(),
  maxFailures: failureLimitValue.optional(),
  maxCost: usdValue.optional(),
  priceInput: priceValue.optional(),
  priceOutput: priceValue.optional(),
  priceCached: priceValue.optional(),
  apiKeyEnv: variableNameValue.optional(),
  simulateLatency: durationValue(0).optional(),
  simulateErrors: shareValue.optional(),
  ...accountFlags,
};

/** A price is known whole or not at all. */
export const refinePrices = (flags: LimitFlags, context: z.RefinementCtx<LimitFlags>): void => {
  const { priceInput, priceOutput, priceCached } = flags;
  if (priceInput === undefined && priceOutput === undefined && priceCached === undefined) return;
  const refuse = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message });
  if (priceInput === undefined)
    refuse('priceInput', 'is needed where --price-output or --price-cached is given');
  if (priceOutput === undefined)
    refuse('priceOutput', 'is needed where --price-input or --price-cached is given');
};

const limitFlagsSchema = z.object(limitFlags).superRefine(refinePrices);
type LimitFlags = z.output<z.ZodObject<typeof limitFlags>>;

/** Adds the flags. Without `defaults` the help says that what is left out stays as it was. */
export function addLimitOptions(command: Command, defaults: Omit<RunLimits, 'apiKeyEnv'> | null): Command {
  const or = (value: (limits: Omit<RunLimits, 'apiKeyEnv'>) => string | number): string =>
    `(default: ${defaults === null ? 'as before' : value(defaults)})`;
  command
    .optionsGroup('Pace and patience (may change from run to run):')
    .option(
      '--max-workers <n|auto>',
      `prompts in progress at once, 1 to ${MAX_WORKERS}; "auto": as many as the provider takes, at most ${DEFAULT_CEILING} or N in "auto:N" ${or((d) => d.maxWorkers)}`,
    );
  return addAccountOptions(command, defaults !== null)
    .option(
      '--max-attempts <n>',
      `tries per prompt before it fails; waiting out a rate limit does not count ${or((d) => d.maxAttempts)}`,
    )
    .option(
      '--request-timeout <time>',
      `maximum time for one request, as 500ms, 90s, 10m, 1h; a bare number is seconds ${or((d) => shortDuration(d.requestTimeoutMs))}`,
    )
    .option(
      '--idle-timeout <time>',
      `maximum time without a byte from the provider ${or((d) => shortDuration(d.idleTimeoutMs))}`,
    )
    .option(
      '--patience <time>',
      `maximum wait for a provider that is down or limits the rate; then the batch pauses ${or((d) => shortDuration(d.patienceMs))}`,
    )
    .option(
      '--max-failures <n|p%>',
      `pause when more prompts than this have failed: a number, or a percentage of all ${or(() => 'none')}`,
    )
    .option(
      '--reject-truncated',
      `treat an answer cut off at --max-tokens as a failure ${or(() => 'it is marked truncated')}`,
    )
    .option('--retry-empty', `ask again when an answer has no text ${or(() => 'its prompt fails')}`)
    .option(
      '--api-key-env <name>',
      `environment variable that holds the API key ${or(() => "the provider's, as DEEPSEEK_API_KEY")}`,
    )
    .optionsGroup('Money (US dollars):')
    .option('--max-cost <usd>', `pause before total spend would exceed this ${or(() => 'no cap')}`)
    .option(
      '--price-input <usd>',
      `price per million input tokens, instead of the table's ${or(() => 'the table')}`,
    )
    .option(
      '--price-output <usd>',
      `price per million output tokens; goes with --price-input ${or(() => 'the table')}`,
    )
    .option('--price-cached <usd>', 'price per million cached input tokens (default: --price-input)')
    .optionsGroup('Simulated provider:')
    .option(
      '--simulate-latency <time>',
      `mean time per answer ${or((d) => shortDuration(d.simulateLatencyMs))}`,
    )
    .option(
      '--simulate-errors <share>',
      `share of requests that fail, as 0.05 or 5% ${or((d) => d.simulateErrors)}`,
    );
}

/** The limits that were typed, and no others. Throws a UsageError. */
export function parseLimitOptions(raw: Record<string, unknown>): {
  typedLimits: Partial<RunLimits>;
  typedAccount?: TypedAccount;
} {
  const flags = parseFlags(limitFlagsSchema, raw);
  const typedAccount = toTypedAccount(flags);
  return { typedLimits: toLimits(flags), ...(typedAccount && { typedAccount }) };
}

/** All but the account, which takes more than flags to know. */
export function toLimits(flags: LimitFlags): Partial<RunLimits> {
  const limits: { [Name in keyof RunLimits]: RunLimits[Name] | undefined } = {
    maxWorkers: flags.maxWorkers?.maxWorkers,
    autoWorkers: flags.maxWorkers?.autoWorkers,
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
  };
  const typed = Object.entries(limits).filter(([, value]) => value !== undefined);
  return Object.fromEntries(typed);
}

function toPrices({ priceInput, priceOutput, priceCached }: LimitFlags): RunLimits['prices'] | undefined {
  if (priceInput === undefined || priceOutput === undefined) return undefined;
  return {
    inputPerMillion: priceInput,
    outputPerMillion: priceOutput,
    ...(priceCached === undefined ? {} : { cachedPerMillion: priceCached }),
  };
}
