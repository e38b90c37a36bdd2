/** JSON with sorted keys: the same value gives the same text, whatever order its keys were written in. */
export const canonicalJson = (value: unknown): string => JSON.stringify(sorted(value));

/** A value as JSON holds it. Copied by hand: a replacer would cost several times as much. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).map(([name, inner]) => [name, sorted(inner)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
