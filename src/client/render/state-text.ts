import type { BatchState, Pause } from '../../core/progress.ts';
import type { Paint } from './paint.ts';
import { toTerminalText } from './terminal-text.ts';

const stateNames: Record<BatchState, string> = {
  running: 'running',
  paused: 'paused',
  cancelling: 'cancelling',
  succeeded: 'succeeded',
  partly_failed: 'partly failed',
  cancelled: 'cancelled',
  waiting: 'waiting (no worker yet)',
  stopped: 'stopped (no worker, nothing in flight)',
  crashed: 'crashed (its worker disappeared)',
};

/** The state as a sentence's start, with the reason of a pause, or who asked for it. */
export function stateText(state: BatchState, pause: Pause | null): string {
  if (state !== 'paused' || pause === null) return stateNames[state];
  const cause = pause.by === undefined ? `(${pause.reason})` : `by ${toTerminalText(pause.by, 80)}`;
  return `paused ${cause}: ${toTerminalText(pause.message, 500)}`;
}

/** The colour of a state. */
export function statePainter(state: BatchState, paint: Paint): (text: string) => string {
  if (state === 'succeeded') return paint.green;
  if (state === 'crashed' || state === 'partly_failed') return paint.red;
  return state === 'running' ? (text) => text : paint.yellow;
}
