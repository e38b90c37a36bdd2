/** The flags of `report`. */
import type { Command } from 'commander';
import * as z from 'zod';
import { folderValue } from './flag-values.ts';
import { parseFlags } from './parse-flags.ts';
import { parseSharedOptions, type SharedOptions } from './shared-options.ts';

export interface ReportOptions extends SharedOptions {
  /** Folder for the files; by default the batch's output folder. */
  to?: string;
}

const reportFlagsSchema = z.object({ to: folderValue.optional() });

export const addReportOptions = (command: Command): Command =>
  command.option('--to <folder>', "folder for the files (default: the batch's output folder)");

/** Throws a UsageError. */
export function parseReportOptions(raw: Record<string, unknown>): ReportOptions {
  const { to } = parseFlags(reportFlagsSchema, raw);
  return { ...parseSharedOptions(raw), ...(to === undefined ? {} : { to }) };
}
