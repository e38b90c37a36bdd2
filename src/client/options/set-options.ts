/** The flags of `set`. */
import type { Command } from 'commander';
import * as z from 'zod';
import { type LimitChanges, MAX_WORKERS } from '../../core/settings.ts';
import { accountFlags, addAccountOptions, toTypedAccount, type TypedAccount } from './account-options.ts';
import { durationValue, failureLimitValue, folderValue, maxWorkersValue, usdValue } from './flag-values.ts';
import { parseFlags } from './parse-flags.ts';
import { addReasonOption, parseReason } from './reason-option.ts';
import type { SharedOptions } from './shared-options.ts';
import { UsageError } from '../usage-error.ts';

const setFlagsSchema = z.object({
  json: z.boolean().default(false),
  outputDir: folderValue.optional(),
  maxWorkers: maxWorkersValue.optional(),
  patience: durationValue(0).optional(),
  maxCost: usdValue.optional(),
  maxFailures: failureLimitValue.optional(),
  ...accountFlags,
});

export const addSetOptions = (command: Command): Command =>
  addReasonOption(
    addAccountOptions(
      command.option(
        '--max-workers <n|auto>',
        `prompts in progress at once, 1 to ${MAX_WORKERS}, or "auto", or "auto:N" (default: as before)`,
      ),
      false,
    )
      .option('--max-cost <usd>', 'new cost cap in US dollars; lifts a pause (budget) (default: as before)')
      .option(
        '--max-failures <n|p%>',
        'pause when more prompts than this have failed: a number, or a percentage of all (default: as before)',
      )
      .option(
        '--patience <time>',
        'maximum wait for a provider that is down or limits the rate, as 90s, 10m, 1h (default: as before)',
      ),
  );

/** Throws one UsageError for everything that is wrong, and where nothing is to be set. */
export function parseSetOptions(
  raw: Record<string, unknown>,
): SharedOptions & { changes: LimitChanges; typedAccount?: TypedAccount; reason: string | null } {
  const flags = parseFlags(setFlagsSchema, raw);
  const { json, outputDir, maxWorkers, maxCost, maxFailures, patience } = flags;
  const typedAccount = toTypedAccount(flags);
  const changes: LimitChanges = {
    ...maxWorkers,
    ...(maxCost !== undefined && { maxCostNanoUsd: maxCost }),
    ...(maxFailures !== undefined && { maxFailures }),
    ...(patience !== undefined && { patienceMs: patience }),
  };
  if (Object.keys(changes).length === 0 && !typedAccount) {
    throw new UsageError(
      'set: say what to set: --max-workers <n|auto>, --rpm <n>, --tpm <n>, --account <name>, --max-cost <usd>, --max-failures <n|p%> or --patience <time>',
    );
  }
  return {
    json,
    ...(outputDir !== undefined && { outputDir }),
    changes,
    ...(typedAccount && { typedAccount }),
    reason: parseReason(raw),
  };
}
