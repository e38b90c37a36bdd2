/** With `autoWorkers`: how many prompts may be in progress, folded from what the worker processes tell. */
import type { ReceivedPace, WorkerPace } from '../core/batch-input.ts';
import type { Progress } from '../core/progress.ts';
import type { RunLimits } from '../core/settings.ts';
import { FIRST_AUTO_SLOTS, SILENT_WORKER_MS } from './policies.ts';

type WorkerLimits = Pick<RunLimits, 'maxWorkers' | 'autoWorkers'>;

/** Of each worker the newest word, newest first, without those that have fallen silent. `at`: ms since 1970. */
export const recordPace = (
  paces: readonly ReceivedPace[],
  pace: WorkerPace,
  at: number,
): readonly ReceivedPace[] => [
  { ...pace, heardAt: at },
  ...paces.filter(({ worker, heardAt }) => worker !== pace.worker && at - heardAt < SILENT_WORKER_MS),
];

/** What all workers together can put to use, and never more than the ceiling. */
export function autoSlots({ maxWorkers, autoWorkers }: WorkerLimits, paces: readonly ReceivedPace[]): number {
  if (!autoWorkers) return maxWorkers;
  const wanted = paces.length === 0 ? FIRST_AUTO_SLOTS : paces.reduce((sum, { slots }) => sum + slots, 0);
  return Math.max(1, Math.min(maxWorkers, wanted));
}

export const autoWorkersOf = (
  limits: WorkerLimits,
  paces: readonly ReceivedPace[],
): Progress['autoWorkers'] =>
  limits.autoWorkers
    ? {
        slots: autoSlots(limits, paces),
        ceiling: limits.maxWorkers,
        reason: paces[0]?.reason ?? 'nothing is known of the provider yet',
      }
    : null;
