/** Amounts of money, in integer nano-USD. */
const NANO_DIGITS = 9;

/** Exact decimal US dollars without an exponent or needless zeros: `1_500_000` becomes `0.0015`. */
export const nanoUsdToDecimal = (nanoUsd: number | bigint): string => {
  const value = BigInt(nanoUsd);
  const digits = (value < 0n ? -value : value).toString().padStart(NANO_DIGITS + 1, '0');
  const whole = digits.slice(0, -NANO_DIGITS);
  const fraction = digits.slice(-NANO_DIGITS).replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
};

/** The JSON number of the exact decimal; `null` stays unknown. */
export const nanoUsdToUsd = (nanoUsd: number | bigint | null): number | null =>
  nanoUsd === null ? null : Number(nanoUsdToDecimal(nanoUsd));

/** A sum of amounts of which some may be unknown. */
export interface MoneySum {
  /** Sum of those that are known, in nano-USD: exact past the integers a double can hold. */
  knownNanoUsd: bigint;
  known: number;
  unknown: number;
}

export const noMoney: MoneySum = { knownNanoUsd: 0n, known: 0, unknown: 0 };

export const addMoney = (sum: MoneySum, nanoUsd: number | null): MoneySum =>
  nanoUsd === null
    ? { ...sum, unknown: sum.unknown + 1 }
    : { ...sum, knownNanoUsd: sum.knownNanoUsd + BigInt(nanoUsd), known: sum.known + 1 };

export const addMoneySums = (a: MoneySum, b: MoneySum): MoneySum => ({
  knownNanoUsd: a.knownNanoUsd + b.knownNanoUsd,
  known: a.known + b.known,
  unknown: a.unknown + b.unknown,
});

/** `null` as soon as one amount is unknown. */
export const moneyTotal = (sum: MoneySum): bigint | null => (sum.unknown === 0 ? sum.knownNanoUsd : null);
