/** The limits of a batch that people change, in words and for programs. */
import type { Paid } from '../../core/receipt.ts';
import type { Progress } from '../../core/progress.ts';
import type { RunLimits } from '../../core/settings.ts';
import { limitText } from '../../workflows/failure-limit.ts';
import { durationText } from './duration-text.ts';
import { countText, plural, roundCostText, usdOf } from './number-text.ts';
import { capText } from './progress/progress-facts.ts';

/** `30 prompts at once · cap $5.00 · at most 5% failed · patience 1h`. */
export function limitsText(
  { maxWorkers, autoWorkers = false, maxCostNanoUsd, maxFailures, patienceMs }: RunLimits,
  budget: Progress['budget'] | undefined,
  { costNanoUsd }: Paid,
): string {
  const cap = budget ? capText(budget, costNanoUsd) : `cap ${roundCostText(maxCostNanoUsd ?? 0)}`;
  return [
    autoWorkers
      ? `auto, at most ${countText(maxWorkers)} prompts at once`
      : `${plural(maxWorkers, 'prompt')} at once`,
    maxCostNanoUsd === null ? 'no cost cap' : cap,
    ...(maxFailures === null ? [] : [`at most ${limitText(maxFailures)} failed`]),
    `patience ${durationText(patienceMs)}`,
  ].join(' · ');
}

export const limitsJson = ({
  maxWorkers,
  autoWorkers = false,
  maxCostNanoUsd,
  maxFailures,
  patienceMs,
}: RunLimits) => ({
  max_workers: maxWorkers,
  auto_workers: autoWorkers,
  max_cost: usdOf(maxCostNanoUsd),
  max_failures: maxFailures === null ? null : limitText(maxFailures),
  patience_seconds: patienceMs / 1000,
});
