import type { Command } from 'commander';
import * as z from 'zod';
import type { BatchState } from '../../core/progress.ts';
import { folderValue } from './flag-values.ts';
import { parseFlags } from './parse-flags.ts';
import { DEFAULT_OUTPUT_DIR } from './run-defaults.ts';
import { addJsonOption, type SharedOptions } from './shared-options.ts';

export interface ListOptions extends SharedOptions {
  /** Only batches in one of these; none: all. */
  states: BatchState[];
}

const states: readonly BatchState[] = [
  'running',
  'paused',
  'cancelling',
  'waiting',
  'stopped',
  'crashed',
  'succeeded',
  'partly_failed',
  'cancelled',
];

export const addListOptions = (command: Command): Command =>
  addJsonOption(
    command.option(
      '--output-dir <folder>',
      `only the batches of this folder (default: all that this machine or the server knows, and those in ${DEFAULT_OUTPUT_DIR})`,
    ),
  ).option(
    '--state <states>',
    `only batches in these states, with commas between them; may be repeated: ${states.join(', ')} (default: all)`,
    (value: string, before: string[] | undefined) => [...(before ?? []), value],
  );

/** `running,partly-failed` → states. */
const statesValue = z.array(z.string()).transform((values, context) => {
  const found: BatchState[] = [];
  const names = values.flatMap((value) => value.split(',')).map((name) => name.trim());
  for (const name of names.filter((text) => text !== '')) {
    const state = states.find((known) => known === name.toLowerCase().replaceAll(/[- ]/g, '_'));
    if (state) found.push(state);
    else
      context.addIssue({
        code: 'custom',
        message: `must be of ${states.join(', ')}; got ${JSON.stringify(name)}`,
      });
  }
  return found;
});

const listFlagsSchema = z.object({
  json: z.boolean().default(false),
  outputDir: folderValue.optional(),
  state: statesValue.default([]),
});

/** Throws a UsageError. */
export function parseListOptions(raw: Record<string, unknown>): ListOptions {
  const { json, outputDir, state } = parseFlags(listFlagsSchema, raw);
  return { json, states: state, ...(outputDir === undefined ? {} : { outputDir }) };
}
