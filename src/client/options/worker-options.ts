/** The flags of `worker`. */
import type { Command } from 'commander';
import * as z from 'zod';
import { MAX_WORKERS } from '../../core/settings.ts';
import type { AllowedAddress } from '../trust/key-policy.ts';
import { baseUrlValue } from './base-url.ts';
import { folderValue, integerValue } from './flag-values.ts';
import { parseFlags } from './parse-flags.ts';
import { DEFAULT_OUTPUT_DIR } from './run-defaults.ts';
import { addJsonOption } from './shared-options.ts';

const DEFAULT_PROMPTS = 500;

/** An address, and after `=` a variable: an address has no `=` of its own there but in a path, where it can be written %3D. */
const allowedAddressValue = z.string().transform((text, context): AllowedAddress => {
  const [, address = text, apiKeyEnv] = /^(.*)=([A-Za-z_][A-Za-z0-9_]*)$/.exec(text) ?? [];
  const parsed = baseUrlValue.safeParse(address);
  if (parsed.success) return { baseUrl: parsed.data, ...(apiKeyEnv !== undefined && { apiKeyEnv }) };
  for (const { message } of parsed.error.issues) context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const workerFlagsSchema = z.object({
  outputDir: folderValue.default(DEFAULT_OUTPUT_DIR),
  concurrency: integerValue(1, MAX_WORKERS).default(DEFAULT_PROMPTS),
  allowBaseUrl: z.array(allowedAddressValue).default([]),
});

export const addWorkerOptions = (command: Command): Command =>
  addJsonOption(
    command
      .option(
        '--output-dir <folder>',
        `output folder whose open batches to work on (default: ${DEFAULT_OUTPUT_DIR})`,
      )
      .option(
        '--concurrency <n>',
        `maximum prompts in progress over all its batches, 1 to ${MAX_WORKERS}; each batch's --max-workers applies as well (default: ${DEFAULT_PROMPTS})`,
      )
      .option(
        '--allow-base-url <url[=name]>',
        "also use a key at this address for batches that others have started: the provider's key, or the one in the named environment variable; may be repeated (default: only the providers' own addresses)",
        (address: string, earlier: string[] | undefined) => [...(earlier ?? []), address],
      ),
  );

/** Throws one UsageError for everything that is wrong. */
export const parseWorkerOptions = (raw: Record<string, unknown>): z.output<typeof workerFlagsSchema> =>
  parseFlags(workerFlagsSchema, raw);
