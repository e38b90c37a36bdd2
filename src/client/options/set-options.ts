/** The flags of `set`. */
import type { Command } from 'commander';
import { z } from 'zod';
import type { LimitChanges } from '../../contract.ts';
import { failureLimitValue, textValue, usdValue } from './flag-values.ts';
import { parseFlags } from './parse-flags.ts';
import type { SharedOptions } from './shared-options.ts';
import { UsageError } from './usage-error.ts';

const setFlagsSchema = z.object({
  json: z.boolean().default(false),
  outputDir: textValue.optional(),
  maxCost: usdValue.optional(),
  maxFailures: failureLimitValue.optional(),
});

export const addSetOptions = (command: Command): Command =>
  command
    .option('--max-cost <usd>', 'new cost cap in US dollars; lifts a pause (budget) (default: as before)')
    .option(
      '--max-failures <n|p%>',
      'failed prompts, or percent of all, past which it pauses (default: as before)',
    );

/** Throws one UsageError for everything that is wrong, and where nothing is to be set. */
export function parseSetOptions(raw: Record<string, unknown>): SharedOptions & { changes: LimitChanges } {
  const { json, outputDir, maxCost, maxFailures } = parseFlags(setFlagsSchema, raw);
  if (maxCost === undefined && maxFailures === undefined) {
    throw new UsageError('set: say what to set: --max-cost <usd> or --max-failures <n|p%>');
  }
  return {
    json,
    ...(outputDir === undefined ? {} : { outputDir }),
    changes: {
      ...(maxCost === undefined ? {} : { maxCostNanoUsd: maxCost }),
      ...(maxFailures === undefined ? {} : { maxFailures }),
    },
  };
}
