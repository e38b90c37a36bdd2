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
