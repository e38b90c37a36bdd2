import type { LimitChanges, RunLimits } from '../contract.ts';

/** Of limits that were typed, those that `set` takes: a batch takes them while a worker is on it. */
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
