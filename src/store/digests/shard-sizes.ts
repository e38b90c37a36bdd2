/** Sizes of a shard's ledger files, by which a note made from them is known to be valid. */
import type { Shard } from '../shard.ts';

/** Others may have written, or this process may have read more, while a note was made. */
export const isUnchanged = (
  before: ReadonlyMap<string, number>,
  onDisk: ReadonlyMap<string, number> | null,
  { reader }: Shard,
): boolean => {
  const now = reader.sizes();
  return onDisk !== null && now !== null && areSameSizes(before, onDisk) && areSameSizes(before, now);
};

export const areSameSizes = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean =>
  a.size === b.size && [...a].every(([name, size]) => b.get(name) === size);
