/** Numbers for people, the same on every machine: commas between thousands, a point before decimals. */

const NANO_PER_USD = 1_000_000_000;

/** `182340` → `182,340`. */
export const countText = (count: number): string => grouped(Math.round(count).toFixed(0));

const grouped = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, ',');

/** Integer billionths of a dollar → `$0.0412`; below $0.0001 as many decimals as it takes; `cost unknown` for null. */
export function costText(nanoUsd: number | null): string {
  if (nanoUsd === null) return 'cost unknown';
  return `$${decimals(nanoUsd / NANO_PER_USD)}`;
}

/** An amount that somebody typed: `$5.00` rather than `$5.0000`. */
export const roundCostText = (nanoUsd: number): string => costText(nanoUsd).replace(/(\.\d\d\d*?)0+$/, '$1');

function decimals(usd: number): string {
  if (usd === 0) return '0.00';
  if (usd < 0.0001) return usd.toFixed(9).replace(/0+$/, '');
  const [whole = '0', fraction = ''] = usd.toFixed(usd < 100 ? 4 : 2).split('.');
  return `${grouped(whole)}.${fraction}`;
}

/** An estimate, to two digits: `$0.13`, `$12`, `$1,200`. */
export function aboutCostText(nanoUsd: number): string {
  const usd = Number((nanoUsd / NANO_PER_USD).toPrecision(2));
  return usd >= 10
    ? `$${countText(usd)}`
    : `$${usd < 0.1 ? decimals(usd).replace(/0+$/, '') : usd.toFixed(2)}`;
}

/** Dollars for programs: exact to the billionth. */
export const usdOf = (nanoUsd: number | null): number | null =>
  nanoUsd === null ? null : nanoUsd / NANO_PER_USD;

/** `14.2 prompts/s`, and `5.1 prompts/min` where a second is too short. */
export function rateText(promptsPerSecond: number): string {
  if (promptsPerSecond >= 99.95) return `${countText(promptsPerSecond)} prompts/s`;
  if (promptsPerSecond >= 1) return `${promptsPerSecond.toFixed(1)} prompts/s`;
  return `${(promptsPerSecond * 60).toFixed(1)} prompts/min`;
}

/** Percent of a whole with one decimal, cut rather than rounded: 999 of 1,000 is never 100. */
export const percentText = (part: number, whole: number): string =>
  whole === 0 ? '0%' : `${Math.floor((part / whole) * 1000) / 10}%`;

/** `1 prompt`, `2 prompts`. */
export const plural = (count: number, noun: string): string =>
  `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
