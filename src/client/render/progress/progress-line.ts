import { nextStep } from '../../../core/next-steps.ts';
import {
  autoText,
  doneCount,
  lastFailureText,
  paceFacts,
  retryText,
  type SeenProgress,
  stateNote,
  tallyFacts,
} from './progress-facts.ts';
import { toTerminalText } from '../terminal-text.ts';
import { asTyped } from '../../../system/typed-command.ts';

export interface ProgressContext {
  batchId: string;
  simulated: boolean;
}

const LONGEST_MESSAGE = 300;

/** The progress on one line, for logs and pipes; the last failure only where it is news. */
export function progressLine(
  progress: SeenProgress,
  { simulated, batchId }: ProgressContext,
  hasNewFailure = false,
): string {
  const pace = paceFacts(progress);
  const facts = [
    `${doneCount(progress.counts)}/${progress.counts.total} done`,
    ...tallyFacts(progress),
    ...(pace === null ? [] : [pace.rate, pace.eta]),
    retryText(progress),
    autoText(progress),
    hasNewFailure ? lastFailureText(progress, LONGEST_MESSAGE) : null,
  ].filter((fact) => fact !== null);
  const line = `${simulated ? '[simulated] ' : ''}${facts.join(' · ')}`;
  return `${line}${standingTail(progress, batchId)}`;
}

function standingTail(progress: SeenProgress, batchId: string): string {
  const how = stateNote(progress);
  if (how === null) return '';
  if (progress.state !== 'paused' || progress.pause === null) return ` · ${how}`;
  const { command } = nextStep(progress.state, progress.pause, batchId, progress.budget?.maxCostNanoUsd);
  return ` · ${how}: ${toTerminalText(progress.pause.message, LONGEST_MESSAGE)} · to continue: ${command === null ? '' : asTyped(command)}`;
}
