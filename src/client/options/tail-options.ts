/** The flags of `tail`. */
import type { Command } from 'commander';
import * as z from 'zod';
import { folderValue, textValue } from './flag-values.ts';
import { parseFlags } from './parse-flags.ts';
import type { SharedOptions } from './shared-options.ts';
import { UsageError } from '../usage-error.ts';

export interface TailOptions extends SharedOptions {
  from: 'start' | 'now';
  /** Where an earlier `tail` has stopped: its cursor, or a file that holds it. */
  cursor: string | null;
  /** Ends with the batch, not with what is there by now. */
  follow: boolean;
}

const tailFlagsSchema = z.object({
  json: z.boolean().default(false),
  outputDir: folderValue.optional(),
  from: z
    .enum(['start', 'now'], {
      error: ({ input }) => `must be start or now, got ${JSON.stringify(input)}`,
    })
    .optional(),
  cursor: textValue.optional(),
  follow: z.boolean().default(true),
});

export const addTailOptions = (command: Command): Command =>
  command
    .option(
      '--from <start|now>',
      'start with the first completion, or with those that arrive from now on (default: start)',
    )
    .option(
      '--cursor <cursor>',
      'continue where an earlier tail stopped, with the cursor it printed (default: none)',
    )
    .option(
      '--no-follow',
      'stop after the completions that are there now (default: follow until the batch ends)',
    );

/** Throws a UsageError. */
export function parseTailOptions(raw: Record<string, unknown>): TailOptions {
  const { json, outputDir, from, cursor = null, follow } = parseFlags(tailFlagsSchema, raw);
  if (from !== undefined && cursor !== null)
    throw new UsageError('--cursor says where to begin: leave out --from');
  const place = outputDir === undefined ? {} : { outputDir };
  return { json, ...place, from: from ?? 'start', cursor, follow };
}
