import type { LimitChanges, RunLimits } from '../contract.ts';

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
