/** Numbers from a seed: the same seed, the same run of blows and faults. */
export interface Random {
  /** From 0 up to 1. */
  next(): number;
  between(low: number, high: number): number;
  /** A whole number from 0 up to `count` (exclusive). */
  index(count: number): number;
  chance(share: number): boolean;
  pick<T>(values: readonly T[]): T;
  /** By weights of any sum. Throws if there is none above 0. */
  weighted<T extends string>(weights: Partial<Record<T, number>>): T;
}

/** Mulberry32. `stream` makes several independent sequences from one seed. */
export function createRandom(seed: number, stream = ''): Random {
  let state = hash(`${seed} ${stream}`);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const index = (count: number): number => Math.floor(next() * count);
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    index,
    chance: (share) => next() < share,
    pick: (values) => values[index(values.length)]!,
    weighted<T extends string>(weights: Partial<Record<T, number>>): T {
      const entries = Object.entries(weights) as [T, number][];
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [value, weight] of entries) {
        left -= weight;
        if (left < 0) return value;
      }
      throw new Error('no weight is above 0');
    },
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (const byte of Buffer.from(text)) state = Math.imul(state ^ byte, 0x01000193);
  return state >>> 0;
}
