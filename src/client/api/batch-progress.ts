import type { Progress } from '../../core/progress.ts';
import { nanoUsdToUsd } from '../../core/money.ts';

/** Progress for a program: with what was spent in US dollars beside the integers of nano-USD. */
export interface BatchProgress extends Progress {
  /** What the answers so far have cost, in US dollars; `null` where a price or a usage is unknown. */
  costUsd: number | null;
}

export const inDollars = (progress: Progress): BatchProgress => ({
  ...progress,
  costUsd: nanoUsdToUsd(progress.paid.costNanoUsd),
});
