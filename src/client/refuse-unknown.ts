import { nearestName } from './nearest-name.ts';
import { UsageError } from './options/usage-error.ts';

/** Throws `UsageError` for the first option that is not `known`: in JavaScript nothing else would say so. */
export function refuseUnknown(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearestName(unknown, known);
  throw new UsageError(
    `unknown option ${JSON.stringify(unknown)}${near === undefined ? `; there are ${known.join(', ')}` : `; did you mean ${near}?`}`,
  );
}
