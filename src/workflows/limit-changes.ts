import type { AccountLimits, LimitChanges } from '../contract.ts';

/** As `MOST_WORKERS` of the contract, of which workflows know only the types. */
const MOST_WORKERS = 5000;

/** Why limits cannot be changed so; `null`: they can. Whoever has the Temporal CLI may send anything. */
export function faultOf(changes: LimitChanges): string | null {
  if (typeof changes !== 'object' || changes === null) return 'there is nothing to set';
  const { maxWorkers, autoWorkers, maxCostNanoUsd, maxFailures, patienceMs, account } = changes;
  if (Object.keys(changes).length === 0) return 'there is nothing to set';
  if (maxWorkers !== undefined && !isWhole(maxWorkers, 1, MOST_WORKERS))
    return `max workers must be a whole number from 1 to ${MOST_WORKERS}`;
  if (autoWorkers !== undefined && typeof autoWorkers !== 'boolean')
    return 'auto workers must be true or false';
  if (typeof maxCostNanoUsd === 'number' && !(maxCostNanoUsd > 0)) return 'a cost cap must be above 0';
  if (patienceMs !== undefined && !(patienceMs >= 0)) return 'patience must be 0 or more milliseconds';
  if (maxFailures && !isFailureLimit(maxFailures))
    return 'max failures must be a count of 0 or more, or a share from 0 to 1';
  if (account && !isAccount(account))
    return 'an account must have a name, and requests or tokens a minute that are whole numbers of 1 or more';
  return null;
}

const isFailureLimit = (limit: NonNullable<LimitChanges['maxFailures']>): boolean =>
  'count' in limit ? isWhole(limit.count, 0, Number.MAX_SAFE_INTEGER) : limit.share >= 0 && limit.share <= 1;

const isAccount = ({ name, requestsPerMinute: rpm, tokensPerMinute: tpm }: AccountLimits): boolean =>
  typeof name === 'string' &&
  name !== '' &&
  (rpm !== null || tpm !== null) &&
  [rpm, tpm].every((rate) => rate === null || isWhole(rate, 1, Number.MAX_SAFE_INTEGER));

const isWhole = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;
