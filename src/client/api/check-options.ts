/** Checks of what a program passes to the TypeScript API: in JavaScript nothing else would refuse it. */
import { describeValue } from '../../input/describe-value.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { UsageError } from '../usage-error.ts';

export interface OptionCheck {
  /** As in `must be a function`. */
  expected: string;
  matches(value: unknown): boolean;
}

/** Throws `UsageError` for options that are no object, and for the first option that is not `known`. */
export function refuseUnknown(options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new UsageError(`options must be an object, got ${describeValue(options)}`);
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearestName(unknown, known);
  throw new UsageError(
    `unknown option ${JSON.stringify(unknown)}${near === undefined ? `; there are ${known.join(', ')}` : `; did you mean ${near}?`}`,
  );
}

/** Throws `UsageError` as {@link refuseUnknown}, and for the first value that its check refuses. Left out and `undefined` are the same. */
export function checkOptions(options: unknown, checks: Readonly<Record<string, OptionCheck>>): void {
  refuseUnknown(options, Object.keys(checks));
  for (const [name, value] of Object.entries(options as object)) {
    const { expected, matches } = checks[name]!;
    if (value === undefined || matches(value)) continue;
    throw new UsageError(`options: "${name}" must be ${expected}, got ${describeValue(value)}`);
  }
}
