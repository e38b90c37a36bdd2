/** What earlier runs came to, told apart from what the present one did. */
import type { RunSum } from '../core/prompt-task.ts';
import type { PromptReading } from '../store/ledger/batch-reading.ts';
import { spendingsOf } from '../store/ledger/bill.ts';
import { addPaid, NOTHING_PAID } from '../store/ledger/prompt-state.ts';
import { addFailures } from '../core/failure-counts.ts';

export interface RunSums {
  before: RunSum;
  inRun: RunSum;
}

export const newRunSums = (): RunSums => ({ before: newSum(), inRun: newSum() });

const newSum = (): RunSum => ({
  succeeded: 0,
  failed: 0,
  failuresByType: {},
  paid: NOTHING_PAID,
  spentNanoUsd: 0,
});

/** A prompt belongs to the run that settled it, what was spent to the run that spent it. */
export function addPrompt(
  { before, inRun }: RunSums,
  { promptState, history }: Pick<PromptReading, 'promptState' | 'history'>,
  run: number,
): void {
  const { settled, paid } = promptState;
  if (settled) {
    const sum = settled.run < run ? before : inRun;
    sum[settled.status]++;
    sum.paid = addPaid(sum.paid, paid);
    if (settled.error) sum.failuresByType = addFailures(sum.failuresByType, { [settled.error.type]: 1 });
  }
  for (const { run: spentIn, nanoUsd } of spendingsOf(history))
    (spentIn < run ? before : inRun).spentNanoUsd += nanoUsd ?? 0;
}
