import * as z from 'zod';
import { UsageError } from '../usage-error.ts';
import type { Flags } from './flags.ts';

/** What a command gets of its flags; one that was left out and has no default is not there. */
export type FlagValues<F extends Flags> = Defined<
  z.output<z.ZodObject<{ -readonly [Name in keyof F]: F[Name]['value'] }>>
>;
type Defined<T> = { [Name in keyof T]: Exclude<T[Name], undefined> };

/** What is wrong with a flag beside others. The message goes on from its name. */
export interface FlagFault {
  flag: string;
  message: string;
}

/**
 * Parses commander's values, by the names of `flags`. `check` sees values that are right one by one. Throws one
 * {@link UsageError} with a line for each flag that is wrong.
 */
export function parseFlags<F extends Flags>(
  flags: F,
  raw: Readonly<Record<string, unknown>>,
  check: (values: FlagValues<F>) => FlagFault[] = () => [],
): FlagValues<F> {
  const schema = z.object(
    Object.fromEntries(Object.entries(flags).map(([name, { value }]) => [name, value])),
  );
  const parsed = schema.safeParse(raw);
  const faults = parsed.success
    ? check(parsed.data as FlagValues<F>)
    : parsed.error.issues.map(({ path, message }) => ({ flag: String(path[0]), message }));
  if (!parsed.success || faults.length > 0)
    throw new UsageError(faults.map(({ flag, message }) => `${flagOf(flag)}: ${message}`).join('\n'));
  return parsed.data as FlagValues<F>;
}

/** `maxWorkers` → `--max-workers`. */
export const flagOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
