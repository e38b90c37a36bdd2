import type * as z from 'zod';
import { durationValue } from './flag-values.ts';
import { UsageError } from '../usage-error.ts';

/** Parses commander's values. Throws one UsageError with a line for each flag that is wrong. */
export function parseFlags<S extends z.ZodType>(schema: S, raw: unknown): z.output<S> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => `${flagOf(String(issue.path[0]))}: ${issue.message}`);
  throw new UsageError(lines.join('\n'));
}

/** `maxWorkers` → `--max-workers`. */
export const flagOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Text like `500ms`, `90s`, `10m`, `1h` or a bare number of seconds, to milliseconds. Throws a UsageError that names the flag. */
export function parseDuration(text: string, flag: string): number {
  const parsed = durationValue(0).safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsageError(`${flag}: ${parsed.error.issues[0]?.message ?? 'not a duration'}`);
}
