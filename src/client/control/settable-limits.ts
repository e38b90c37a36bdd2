import type { LimitChanges, RunLimits } from '../../core/settings.ts';

/** Of limits that were typed, those that a batch takes through Temporal, while a worker is on it too. */
export function settableLimits({
  maxWorkers,
  autoWorkers,
  maxCostNanoUsd,
  maxFailures,
  patienceMs,
  account,
}: Partial<RunLimits>): LimitChanges {
  return {
    ...(maxWorkers !== undefined && { maxWorkers, autoWorkers: autoWorkers ?? false }),
    ...(maxCostNanoUsd !== undefined && { maxCostNanoUsd }),
    ...(maxFailures !== undefined && { maxFailures }),
    ...(patienceMs !== undefined && { patienceMs }),
    ...(account !== undefined && { account }),
  };
}

/** The others, of which key, prices and timeouts are part: they are told to no batch, only noted in its manifest. */
export function manifestLimits(typed: Partial<RunLimits>): Partial<RunLimits> {
  const settable = settableLimits(typed);
  const isOther = ([name]: [string, unknown]): boolean => name !== 'autoWorkers' && !(name in settable);
  return Object.fromEntries(Object.entries(typed).filter(isOther));
}

/** The flags of `set`, with their values, that change these limits. Those of an account are left out. */
export function flagsOfSet({
  maxWorkers,
  autoWorkers,
  maxCostNanoUsd,
  maxFailures,
  patienceMs,
}: LimitChanges): string[] {
  const percent = (share: number): string => `${Number((100 * share).toFixed(6))}%`;
  return [
    ...(maxWorkers === undefined ? [] : ['--max-workers', `${autoWorkers ? 'auto:' : ''}${maxWorkers}`]),
    ...(maxCostNanoUsd == null ? [] : ['--max-cost', String(maxCostNanoUsd / 1e9)]),
    ...(maxFailures
      ? ['--max-failures', 'count' in maxFailures ? String(maxFailures.count) : percent(maxFailures.share)]
      : []),
    ...(patienceMs === undefined ? [] : ['--patience', `${patienceMs / 1000}s`]),
  ];
}
