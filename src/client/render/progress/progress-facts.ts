/** The parts of a progress display, as words. */
import type { Counts, Progress } from '../../../core/progress.ts';
import type { Retries } from '../../observe/retries.ts';
import { durationText } from '../duration-text.ts';
import { aboutCostText, costText, countText, rateText, roundCostText } from '../number-text.ts';
import { toTerminalText } from '../terminal-text.ts';

/** The workflow's word, and what only the server can tell beside it. */
export interface SeenProgress extends Progress {
  /** `null`, or left out: nobody has looked. */
  retries?: Retries | null;
  /** Why only what is written down of it is known: no worker is on it, or it has not answered in time. */
  unheard?: 'no-worker' | 'silent-worker';
}

const MAX_REASONS = 3;

export const doneCount = (counts: Counts): number => counts.succeeded + counts.failed;

export const isOver = (progress: Progress): boolean =>
  progress.state === 'succeeded' || progress.state === 'partly_failed' || progress.state === 'cancelled';

/** What was bought, in the order in which a narrow display drops it from its end. */
export function tallyFacts(progress: SeenProgress): string[] {
  const { counts, paid } = progress;
  const projected = projectedNanoUsd(progress);
  return [
    `${counts.succeeded} succeeded`,
    `${counts.failed} failed`,
    ...(counts.notRun > 0 ? [`${counts.notRun} not run`] : []),
    `${counts.running}${isOver(progress) || progress.unheard ? '' : `/${slotsOf(progress)}`} in flight`,
    `${countText(paid.usage.total)} tokens`,
    `${costText(paid.costNanoUsd)}${projected === null ? '' : ` of about ${aboutCostText(projected)}`}`,
    ...(progress.budget === null ? [] : [capText(progress.budget, paid.costNanoUsd)]),
  ];
}

/** The cap, and what counts against it, where that is more than what the answers cost. */
export function capText(
  { maxCostNanoUsd, spentNanoUsd }: NonNullable<Progress['budget']>,
  costNanoUsd: number | null,
): string {
  const cap = `cap ${roundCostText(maxCostNanoUsd)}`;
  return spentNanoUsd > (costNanoUsd ?? 0)
    ? `${cap}, ${costText(spentNanoUsd)} of it spent or possibly spent`
    : cap;
}

/** Prompts that may be in progress at this moment. */
const slotsOf = ({ autoWorkers, maxWorkers }: Progress): number => autoWorkers?.slots ?? maxWorkers;

/** What the whole batch will have cost if its other prompts cost what the settled ones did; `null` where that says nothing. */
export function projectedNanoUsd(progress: Progress): number | null {
  const { counts, paid } = progress;
  const done = doneCount(counts);
  if (isOver(progress) || done === 0 || done === counts.total || !paid.costNanoUsd) return null;
  return Math.round((paid.costNanoUsd / done) * counts.total);
}

/** How fast it goes and how long it takes; nothing once it is over or while nothing starts. */
export function paceFacts(
  progress: Pick<Progress, 'state' | 'promptsPerSecond' | 'etaSeconds' | 'counts'>,
): { rate: string; eta: string } | null {
  if (progress.state !== 'running' || progress.promptsPerSecond <= 0) return null;
  return { rate: rateText(progress.promptsPerSecond), eta: etaText(progress) };
}

function etaText({ etaSeconds, counts }: Pick<Progress, 'etaSeconds' | 'counts'>): string {
  if (etaSeconds !== null && etaSeconds < 1) return 'ETA under 1s';
  if (etaSeconds !== null && etaSeconds < 10) return `ETA ${Math.round(etaSeconds)}s`;
  if (etaSeconds !== null) return `ETA ${durationText(etaSeconds * 1000)}`;
  if (counts.pending > 0 || counts.running === 0) return 'ETA unknown';
  return counts.running === 1 ? 'the last one takes longer' : `the last ${counts.running} take longer`;
}

/** How the batch stands if it is not simply running, else null. */
export function stateNote({ state, pause, unheard }: SeenProgress): string | null {
  if (state === 'paused' && pause?.by !== undefined) return `paused by ${toTerminalText(pause.by, 40)}`;
  if (state === 'paused') return pause === null ? 'paused' : `paused (${pause.reason})`;
  if (unheard === 'no-worker') return 'no worker is on it';
  if (unheard === 'silent-worker') return 'its worker is busy and has not answered in time';
  if (state === 'running') return null;
  return state === 'partly_failed' ? 'finished, some failed' : state;
}

/** `12 in retry: rate limit (429)`; with several reasons each has its number. Null where nobody waits. */
export function retryText({ retries, state }: SeenProgress): string | null {
  if (!retries || retries.prompts === 0 || state !== 'running') return null;
  const { prompts, reasons } = retries;
  const named = reasons.slice(0, MAX_REASONS);
  const rest = prompts - named.reduce((sum, { prompts: count }) => sum + count, 0);
  const list = named.map(({ reason, prompts: count }) =>
    reasons.length === 1 ? toTerminalText(reason) : `${count} ${toTerminalText(reason)}`,
  );
  return `${prompts} in retry: ${[...list, ...(rest > 0 ? [`${rest} other`] : [])].join(', ')}`;
}

/** Where concurrency adapts itself: how far it is, and why. */
export function autoText({ autoWorkers, state }: Progress): string | null {
  if (!autoWorkers || state !== 'running') return null;
  const { slots, ceiling, reason } = autoWorkers;
  return `auto: ${slots} of at most ${ceiling} at once${reason === '' ? '' : `: ${toTerminalText(reason, 200)}`}`;
}

export function lastFailureText({ lastFailures: [last] }: Progress, columns: number): string | null {
  return last ? toTerminalText(`last failure: ${last.promptId}: ${last.message}`, columns) : null;
}
