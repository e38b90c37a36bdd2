/** The flags of `run`. */
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { providerNames } from '../../core/settings.ts';
import type { ProviderName, RequestSettings, RunLimits } from '../../core/settings.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { ACCOUNT_WITHOUT_LIMITS, toTypedAccount, type TypedAccount } from './account-options.ts';
import { baseUrlValue } from './base-url.ts';
import { batchIdValue } from './batch-id.ts';
import { folderValue, integerValue, temperatureValue, textValue, topPValue } from './flag-values.ts';
import { addLimitOptions, limitFlags, refinePrices, toLimits } from './limit-options.ts';
import { parseFlags } from './parse-flags.ts';
import { addReuseOptions, reuseFlags, type ReuseOptions, toReuseOptions } from './reuse-options.ts';
import { DEFAULT_OUTPUT_DIR, limitDefaults, requestDefaults } from './run-defaults.ts';
import { addJsonOption } from './shared-options.ts';

export interface RunOptions {
  /** What is undefined here comes from the provider. */
  settings: Omit<RequestSettings, 'baseUrl' | 'model'> & {
    baseUrl: string | undefined;
    model: string | undefined;
  };
  /** Without `apiKeyEnv` the provider's own variable counts. */
  limits: Omit<RunLimits, 'apiKeyEnv'> & { apiKeyEnv: string | undefined };
  /** The limits that were typed: the others are defaults. */
  typedLimits: Partial<RunLimits>;
  typedAccount?: TypedAccount;
  /** As typed: not resolved. */
  outputDir: string;
  id: string | undefined;
  new: boolean;
  /** Which answers to identical requests are taken over. */
  reuse: ReuseOptions;
  detach: boolean;
  /** The day's prices are not fetched. Default: they may be. */
  priceUpdate?: false;
  json: boolean;
}

export const providerValue = z.enum(providerNames, {
  error: ({ input }) => {
    const near = nearestName(String(input), providerNames);
    const meant =
      near === undefined ? 'for any other API, openai-compatible with --base-url' : `did you mean ${near}?`;
    return `must be one of ${providerNames.join(', ')}, got ${JSON.stringify(input)}; ${meant}`;
  },
});

/** An address where there must be one, and only there. */
export function refineAddress(
  { provider, baseUrl }: { provider: ProviderName; baseUrl?: string | undefined },
  context: z.RefinementCtx,
): void {
  const refuse = (message: string): void => context.addIssue({ code: 'custom', path: ['baseUrl'], message });
  if (provider === 'openai-compatible' && baseUrl === undefined)
    refuse('is needed with --provider openai-compatible, like http://127.0.0.1:8000/v1');
  if (provider === 'simulated' && baseUrl !== undefined) refuse('has no meaning with --provider simulated');
}

const runFlagsSchema = z
  .object({
    provider: providerValue.default(requestDefaults.provider),
    model: textValue.optional(),
    baseUrl: baseUrlValue.optional(),
    temperature: temperatureValue.default(requestDefaults.temperature),
    topP: topPValue.default(requestDefaults.topP),
    maxTokens: integerValue(1).default(requestDefaults.maxTokens),
    completions: integerValue(1).default(requestDefaults.completions),
    thinking: z.boolean().default(requestDefaults.thinking),
    ...limitFlags,
    outputDir: folderValue.optional(),
    id: batchIdValue.optional(),
    new: z.boolean().default(false),
    ...reuseFlags,
    detach: z.boolean().default(false),
    priceUpdate: z.boolean().default(true),
    json: z.boolean().default(false),
  })
  .superRefine((flags, context) => {
    refinePrices(flags, context);
    const refuse = (flag: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [flag], message });
    refineAddress(flags, context);
    if (flags.account !== undefined && flags.rpm === undefined && flags.tpm === undefined)
      refuse('account', ACCOUNT_WITHOUT_LIMITS);
    if (flags.provider === 'simulated') return;
    for (const flag of ['simulateLatency', 'simulateErrors'] as const) {
      if (flags[flag] !== undefined) refuse(flag, 'works only with --provider simulated');
    }
  });

export const priceUpdateOption = (): Option =>
  new Option(
    '--no-price-update',
    "do not fetch the day's prices (default: fetch them once a day, in the background)",
  );

export function addRunOptions(command: Command): Command {
  command
    .optionsGroup('Request (other values make another batch):')
    .option('--provider <name>', `${providerNames.join(', ')} (default: ${requestDefaults.provider})`)
    .option('--model <name>', "model to use (default: the provider's)")
    .option('--base-url <url>', "address of the API up to its version (default: the provider's)")
    .option('--completions <n>', `completions per prompt (default: ${requestDefaults.completions})`)
    .option('--temperature <x>', `0 to 2 (default: ${requestDefaults.temperature})`)
    .option('--top-p <x>', `above 0, up to 1 (default: ${requestDefaults.topP})`)
    .option(
      '--max-tokens <n>',
      `maximum length of a completion, in tokens (default: ${requestDefaults.maxTokens})`,
    )
    .option(
      '--thinking',
      'enable reasoning on models that support it; billed as output, and limited by --max-tokens (default: off)',
    );
  addLimitOptions(command, limitDefaults);
  command
    .optionsGroup('Batch and output:')
    .option('--output-dir <folder>', `where results go (default: ${DEFAULT_OUTPUT_DIR})`)
    .option(
      '--id <id>',
      'name the batch: 1 to 64 letters, digits, ".", "_", "-" (default: made from file and settings)',
    )
    .option('--new', 'make another batch with the same file and settings');
  addReuseOptions(command);
  command
    .option('--detach', 'start the batch and exit; a "durabatch worker" does the work')
    .addOption(priceUpdateOption());
  return addJsonOption(command).helpOption('-h, --help', 'show this help');
}

/** Throws one UsageError for everything that is wrong. */
export function parseRunOptions(raw: Record<string, unknown>): RunOptions {
  const flags = parseFlags(runFlagsSchema, raw);
  const { provider, model, baseUrl, temperature, topP, maxTokens, completions, thinking } = flags;
  const typedLimits = toLimits(flags);
  const typedAccount = toTypedAccount(flags);
  return {
    settings: { provider, model, baseUrl, temperature, topP, maxTokens, completions, thinking },
    limits: { ...limitDefaults, apiKeyEnv: undefined, ...typedLimits },
    typedLimits,
    ...(typedAccount && { typedAccount }),
    outputDir: flags.outputDir ?? DEFAULT_OUTPUT_DIR,
    id: flags.id,
    new: flags.new,
    reuse: toReuseOptions(flags, flags.new),
    detach: flags.detach,
    ...(!flags.priceUpdate && { priceUpdate: false }),
    json: flags.json,
  };
}
