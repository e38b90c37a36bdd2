/** How long the stand-in provider thinks about a prompt: decided by the prompt alone, so that an ideal can be computed. */

export type Latency =
  | { kind: 'fixed'; ms: number }
  | {
      kind: 'log-normal';
      medianMs: number;
      sigma: number;
      /** This share of the prompts (0 to 1) takes `stragglerMs` instead. */
      stragglers: number;
      stragglerMs: number;
    };

/** `index` is the prompt's position in the file, from 0. */
export function latencyMsOf(latency: Latency, index: number): number {
  if (latency.kind === 'fixed') return latency.ms;
  if (fractionOf(index, 1) < latency.stragglers) return latency.stragglerMs;
  return Math.round(latency.medianMs * Math.exp(latency.sigma * normalOf(index)));
}

/** From 0 up to 1, the same for the same numbers: the finaliser of MurmurHash3. */
export function fractionOf(index: number, salt: number): number {
  let hash = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca77);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** Standard normal, by Box and Muller. */
const normalOf = (index: number): number =>
  Math.sqrt(-2 * Math.log(1 - fractionOf(index, 2))) * Math.cos(2 * Math.PI * fractionOf(index, 3));
