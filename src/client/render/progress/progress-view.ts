import { createPaint } from '../paint.ts';
import { createLiveRows, type LiveStream } from './live-rows.ts';
import { progressRows } from './progress-bar.ts';
import { isOver, type SeenProgress } from './progress-facts.ts';
import { progressJson } from './progress-json.ts';
import type { ProgressContext } from './progress-line.ts';
import { progressLine } from './progress-line.ts';
import { joinTerminal, terminalLines } from '../../../system/terminal-output.ts';
import { toTerminalJson } from '../terminal-text.ts';

export interface ProgressViewOptions extends ProgressContext {
  stream: LiveStream;
  /** Lines can be drawn over: draw a live view. */
  isTTY: boolean;
  /** JSON Lines only. */
  json: boolean;
  /** Least time between two lines where there is no live view. Default 5 s. */
  intervalMs?: number;
  /** Default false. */
  color?: boolean;
  /** Stands before each line of text, where the lines of several batches meet. */
  label?: string;
  now?: () => number;
}

export interface ProgressView {
  update(progress: SeenProgress): void;
  /** Says something beside the progress, on one line. */
  note(text: string): void;
  /** Leaves the last progress in sight. Does no harm twice. */
  end(): void;
}

export const createProgressView = (options: ProgressViewOptions): ProgressView =>
  options.isTTY && !options.json ? createLiveView(options) : createLineView(options);

function createLiveView(options: ProgressViewOptions): ProgressView {
  const paint = createPaint(options.color ?? false);
  const rows = createLiveRows(options.stream);
  return {
    update: (progress) => {
      rows.draw((columns) => progressRows(progress, options, columns, paint));
    },
    note: (text) => {
      rows.above(terminalLines([text]));
    },
    end: () => {
      rows.leave();
    },
  };
}

/** One line at a time: the first, every change of state, the last, and between them one per interval if anything moved. */
function createLineView(options: ProgressViewOptions): ProgressView {
  const { stream, json, intervalMs = 5000, now = Date.now } = options;
  const prefix = options.label === undefined ? '' : `${options.label}: `;
  let printed: SeenProgress | null = null;
  let latest: SeenProgress | null = null;
  let printedAt = 0;
  const print = (progress: SeenProgress): void => {
    const line = json
      ? toTerminalJson(progressJson(progress, options))
      : terminalLines([prefix + progressLine(progress, options, isNewFailure(printed, progress))]);
    stream.write(joinTerminal(line, NOTHING));
    printed = progress;
    printedAt = now();
  };
  const isDue = (progress: SeenProgress): boolean => {
    if (printed === null) return true;
    if (!moved(printed, progress)) return false;
    return printed.state !== progress.state || isOver(progress) || now() - printedAt >= intervalMs;
  };
  return {
    update: (progress) => {
      latest = progress;
      if (isDue(progress)) print(progress);
    },
    note: (text) => {
      const shown = json
        ? toTerminalJson({ type: 'note', batch_id: options.batchId, message: text })
        : terminalLines([prefix + text]);
      stream.write(joinTerminal(shown, NOTHING));
    },
    end: () => {
      if (latest !== null && (printed === null || moved(printed, latest))) print(latest);
    },
  };
}

const NOTHING = terminalLines(['']);

/** Something happened: the rate and what is computed from it change by themselves. */
function moved(before: SeenProgress, after: SeenProgress): boolean {
  const facts = (progress: SeenProgress): string => {
    const { state, pause, counts, paid, maxWorkers, unheard } = progress;
    return JSON.stringify([state, pause, counts, paid, isOver(progress) ? null : maxWorkers, unheard]);
  };
  return facts(before) !== facts(after);
}

const isNewFailure = (before: SeenProgress | null, { lastFailures }: SeenProgress): boolean =>
  JSON.stringify(before?.lastFailures[0]) !== JSON.stringify(lastFailures[0]);
