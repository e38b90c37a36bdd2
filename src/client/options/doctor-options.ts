/** The flags of `doctor`. */
import type { Command } from 'commander';
import * as z from 'zod';
import { providerNames } from '../../core/settings.ts';
import { baseUrlValue } from './base-url.ts';
import { folderValue, textValue, variableNameValue } from './flag-values.ts';
import { parseFlags } from './parse-flags.ts';
import { DEFAULT_OUTPUT_DIR, requestDefaults } from './run-defaults.ts';
import { priceUpdateOption, providerValue, refineAddress } from './run-options.ts';
import { addJsonOption } from './shared-options.ts';

const doctorFlagsSchema = z
  .object({
    provider: providerValue.default(requestDefaults.provider),
    model: textValue.optional(),
    baseUrl: baseUrlValue.optional(),
    apiKeyEnv: variableNameValue.optional(),
    outputDir: folderValue.default(DEFAULT_OUTPUT_DIR),
    priceUpdate: z.boolean().default(true),
    json: z.boolean().default(false),
  })
  .superRefine(refineAddress);

export type DoctorOptions = z.output<typeof doctorFlagsSchema>;

export const addDoctorOptions = (command: Command): Command =>
  addJsonOption(
    command
      .option(
        '--provider <name>',
        `provider to check: ${providerNames.join(', ')} (default: ${requestDefaults.provider})`,
      )
      .option('--model <name>', "model to check (default: the provider's)")
      .option('--base-url <url>', "address of the API up to its version (default: the provider's)")
      .option(
        '--api-key-env <name>',
        "environment variable that holds the API key (default: the provider's, as DEEPSEEK_API_KEY)",
      )
      .addOption(priceUpdateOption())
      .option('--output-dir <folder>', `where results will go (default: ${DEFAULT_OUTPUT_DIR})`),
  );

/** Throws one UsageError for everything that is wrong. */
export const parseDoctorOptions = (raw: Record<string, unknown>): DoctorOptions =>
  parseFlags(doctorFlagsSchema, raw);
