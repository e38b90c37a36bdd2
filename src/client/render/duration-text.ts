const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const;

/** Time as people read it: `850ms`, `4.2s`, `48s`, `3m 20s`, `2h 5m`, `3d 4h`. */
export function durationText(ms: number): string {
  const rounded = Math.round(ms);
  if (rounded < 1000) return `${Math.max(0, rounded)}ms`;
  if (rounded < 9950) return `${(rounded / 1000).toFixed(1)}s`;
  const seconds = Math.round(rounded / 1000);
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  const [unit, size] = UNITS[first] ?? ['s', 1];
  const whole = Math.floor(seconds / size);
  const smaller = UNITS[first + 1];
  const rest = smaller === undefined ? 0 : Math.floor((seconds % size) / smaller[1]);
  return rest === 0 || smaller === undefined ? `${whole}${unit}` : `${whole}${unit} ${rest}${smaller[0]}`;
}

/** A setting the way it would be typed as a flag: `100ms`, `120s`, `10m`, `1h`. */
export function shortDuration(ms: number): string {
  if (ms === 0 || ms % 1000 !== 0) return `${ms}ms`;
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  return ms % 60_000 === 0 && ms >= 600_000 ? `${ms / 60_000}m` : `${ms / 1000}s`;
}
