/** Flags that several commands share. */
import type { Command } from 'commander';
import * as z from 'zod';
import { folderValue } from './flag-values.ts';
import { parseFlags } from './parse-flags.ts';
import { DEFAULT_OUTPUT_DIR } from './run-defaults.ts';

export const addJsonOption = (command: Command): Command =>
  command.option('--json', 'print JSON Lines only, for programs');

export const addOutputDirOption = (command: Command): Command =>
  command.option(
    '--output-dir <folder>',
    `output folder of the batch, if it is not known here (default: where it was started, else ${DEFAULT_OUTPUT_DIR})`,
  );

export interface SharedOptions {
  json: boolean;
  /** Only if it was typed. */
  outputDir?: string;
}

const sharedFlagsSchema = z.object({
  json: z.boolean().default(false),
  outputDir: folderValue.optional(),
});

/** Throws a UsageError. */
export function parseSharedOptions(raw: Record<string, unknown>): SharedOptions {
  const { json, outputDir } = parseFlags(sharedFlagsSchema, raw);
  return outputDir === undefined ? { json } : { json, outputDir };
}
