import type { Progress } from '../../contract.ts';
import { nextStep } from '../../workflows/next-steps.ts';
import { doneCount, paceFacts, standing, tallyFacts } from './progress-facts.ts';
import { toTerminalText } from './terminal-text.ts';

export interface ProgressContext {
  batchId: string;
  simulated: boolean;
}

/** The progress on one line, for logs and pipes. */
export function progressLine(progress: Progress, { simulated, batchId }: ProgressContext): string {
  const pace = paceFacts(progress);
  const facts = [
    `${doneCount(progress.counts)}/${progress.counts.total} done`,
    ...tallyFacts(progress),
    ...(pace === null ? [] : [pace.rate, pace.eta]),
  ];
  const line = `${simulated ? '[simulated] ' : ''}${facts.join(' · ')}`;
  return `${line}${standingTail(progress, batchId)}`;
}

function standingTail(progress: Progress, batchId: string): string {
  const how = standing(progress);
  if (how === null) return '';
  if (progress.state !== 'paused' || progress.pause === null) return ` · ${how}`;
  const { command } = nextStep(progress.state, progress.pause, batchId);
  return ` · ${how}: ${toTerminalText(progress.pause.message, 300)} · to go on: ${command}`;
}
