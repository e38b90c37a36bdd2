/** How many typing errors a name may have and still be recognised. */
const MAX_ERRORS = 2;

/** The known name that was most likely meant: the same but for case, up to two typing errors, or the only one that begins so. */
export function nearestName(typed: string, known: readonly string[]): string | undefined {
  const wanted = typed.toLowerCase();
  const errors = known.map((name) => ({ name, count: typingErrors(name.toLowerCase(), wanted) }));
  const nearest = errors.sort((a, b) => a.count - b.count)[0];
  if (nearest && nearest.count <= Math.min(MAX_ERRORS, Math.floor(wanted.length / 2))) return nearest.name;
  const longer = wanted.length < 2 ? [] : known.filter((name) => name.toLowerCase().startsWith(wanted));
  return longer.length === 1 ? longer[0] : undefined;
}

/** Levenshtein's distance, two neighbours that were swapped counting once. */
export function typingErrors(one: string, other: string): number {
  let before: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const changed = row[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
          ? before[j - 2]! + 1
          : Number.POSITIVE_INFINITY;
      next.push(Math.min(changed, swapped, row[j]! + 1, next[j - 1]! + 1));
    }
    [before, row] = [row, next];
  }
  return row[other.length]!;
}
