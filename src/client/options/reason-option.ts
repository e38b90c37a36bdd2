/** `--reason`, on commands that control a batch. */
import type { Command } from 'commander';
import * as z from 'zod';
import { textValue } from './flag-values.ts';
import { parseFlags } from './parse-flags.ts';

const MAX_CHARACTERS = 500;

export const addReasonOption = (command: Command): Command =>
  command.option('--reason <text>', 'reason, shown with the batch (default: none given)');

const reasonFlagsSchema = z.object({
  reason: textValue
    .refine((text) => text.length <= MAX_CHARACTERS, `must be at most ${MAX_CHARACTERS} characters long`)
    .optional(),
});

/** Throws a UsageError. */
export const parseReason = (raw: Record<string, unknown>): string | null =>
  parseFlags(reasonFlagsSchema, raw).reason ?? null;
