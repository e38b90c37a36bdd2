/** The parts of a progress display, as words. */
import type { Counts, Progress } from '../../contract.ts';
import { durationText } from './duration-text.ts';
import { costText, countText, rateText } from './number-text.ts';
import { toTerminalText } from './terminal-text.ts';

export const doneCount = (counts: Counts): number => counts.succeeded + counts.failed;

export const isOver = (progress: Progress): boolean =>
  progress.state === 'succeeded' || progress.state === 'partly_failed' || progress.state === 'cancelled';

/** What was bought, in the order in which a narrow display drops it from its end. */
export function tallyFacts({ counts, paid }: Progress): string[] {
  return [
    `${counts.succeeded} succeeded`,
    `${counts.failed} failed`,
    ...(counts.notRun > 0 ? [`${counts.notRun} not run`] : []),
    `${counts.running} in flight`,
    `${countText(paid.usage.total)} tokens`,
    costText(paid.costNanoUsd),
  ];
}

/** How fast it goes and how long it takes; nothing once it is over or while nothing starts. */
export function paceFacts(progress: Progress): { rate: string; eta: string } | null {
  if (progress.state !== 'running' || progress.promptsPerSecond <= 0) return null;
  return {
    rate: rateText(progress.promptsPerSecond),
    eta:
      progress.etaSeconds === null
        ? 'ETA unknown'
        : `ETA ${progress.etaSeconds < 1 ? 'under 1s' : durationText(progress.etaSeconds * 1000)}`,
  };
}

/** How the batch stands if it is not simply running, else null. */
export function standing({ state, pause }: Progress): string | null {
  if (state === 'running') return null;
  if (state === 'paused' && pause?.by !== undefined) return `paused by ${toTerminalText(pause.by, 40)}`;
  if (state === 'paused') return pause === null ? 'paused' : `paused (${pause.reason})`;
  return state === 'partly_failed' ? 'finished, some failed' : state;
}
