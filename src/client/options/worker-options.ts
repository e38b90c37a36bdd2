/** The flags of `worker`. */
import type { Command } from 'commander';
import * as z from 'zod';
import { MOST_WORKERS } from '../../contract.ts';
import { folderValue, integerValue } from './flag-values.ts';
import { parseFlags } from './parse-flags.ts';
import { DEFAULT_OUTPUT_DIR } from './run-defaults.ts';
import { addJsonOption } from './shared-options.ts';

const DEFAULT_PROMPTS = 500;

const workerFlagsSchema = z.object({
  outputDir: folderValue.default(DEFAULT_OUTPUT_DIR),
  concurrency: integerValue(1, MOST_WORKERS).default(DEFAULT_PROMPTS),
});

export const addWorkerOptions = (command: Command): Command =>
  addJsonOption(
    command
      .option(
        '--output-dir <folder>',
        `folder whose open batches it works on (default: ${DEFAULT_OUTPUT_DIR})`,
      )
      .option(
        '--concurrency <n>',
        `prompts it takes on at once over all its batches, 1 to ${MOST_WORKERS}; a batch's own --max-workers applies over all workers (default: ${DEFAULT_PROMPTS})`,
      ),
  );

/** Throws one UsageError for everything that is wrong. */
export const parseWorkerOptions = (raw: Record<string, unknown>): z.output<typeof workerFlagsSchema> =>
  parseFlags(workerFlagsSchema, raw);
