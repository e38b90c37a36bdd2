import type { Pause } from '../../../core/progress.ts';
import { usdOf } from '../number-text.ts';
import { doneCount, projectedNanoUsd, type SeenProgress } from './progress-facts.ts';
import type { ProgressContext } from './progress-line.ts';

/** The `{"type":"progress"}` line of `--json`. Costs are US dollars, null where unknown. */
export function progressJson(
  progress: SeenProgress,
  { batchId, simulated }: ProgressContext,
): Record<string, unknown> {
  const { counts, paid, retries } = progress;
  return {
    type: 'progress',
    batch_id: batchId,
    state: progress.state,
    pause: pauseJson(progress.pause),
    simulated,
    total: counts.total,
    done: doneCount(counts),
    pending: counts.pending,
    running: counts.running,
    succeeded: counts.succeeded,
    failed: counts.failed,
    not_run: counts.notRun,
    total_tokens: paid.usage.total,
    prompt_tokens: paid.usage.prompt,
    completion_tokens: paid.usage.completion,
    estimated_cost: usdOf(paid.costNanoUsd),
    projected_cost: usdOf(projectedNanoUsd(progress)),
    max_cost: usdOf(progress.budget?.maxCostNanoUsd ?? null),
    spent_or_possibly: usdOf(progress.budget?.spentNanoUsd ?? null),
    prompts_per_second: progress.promptsPerSecond,
    eta_seconds: progress.etaSeconds,
    max_workers: progress.maxWorkers,
    auto_workers: progress.autoWorkers,
    in_retry: retries?.prompts ?? 0,
    retry_reasons: retries?.reasons ?? [],
    last_failures: progress.lastFailures.map((failure) => ({
      prompt_id: failure.promptId,
      type: failure.type,
      message: failure.message,
    })),
    failures_by_type: progress.failuresByType,
  };
}

export const pauseJson = (pause: Pause | null): Record<string, string | null> | null =>
  pause && { reason: pause.reason, message: pause.message, since: pause.since, by: pause.by ?? null };
