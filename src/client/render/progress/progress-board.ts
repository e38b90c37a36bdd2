/** Several batches in one display: a block each, or where there is no room for that a row each. */
import { createLiveRows } from './live-rows.ts';
import { createPaint, type Paint } from '../paint.ts';
import { barRow, progressRows } from './progress-bar.ts';
import type { SeenProgress } from './progress-facts.ts';
import type { ProgressContext } from './progress-line.ts';
import { createProgressView, type ProgressView, type ProgressViewOptions } from './progress-view.ts';
import { terminalLines } from '../../../system/terminal-output.ts';
import { cutToWidth, toTerminalText } from '../terminal-text.ts';
import { padToWidth, textWidth } from '../text-width.ts';

export type ProgressBoardOptions = Omit<ProgressViewOptions, keyof ProgressContext | 'label'>;

/** A batch on the board; nothing is known of it yet where it has no progress. */
export interface BoardEntry extends ProgressContext {
  progress: SeenProgress | null;
}

const WIDEST_ID = 32;

/** A view for each batch, in this order. One batch alone has a display of its own. */
export function createProgressBoard(
  batches: readonly ProgressContext[],
  options: ProgressBoardOptions,
): ProgressView[] {
  if (batches.length < 2 || !options.isTTY || options.json)
    return batches.map((batch) =>
      createProgressView({ ...options, ...batch, ...(batches.length > 1 && { label: batch.batchId }) }),
    );
  const paint = createPaint(options.color ?? false);
  const rows = createLiveRows(options.stream);
  const entries: BoardEntry[] = batches.map((batch) => ({ ...batch, progress: null }));
  let shown = entries.length;
  const draw = (): void => rows.draw((columns, lines) => boardRows(entries, columns, lines, paint));
  return entries.map((entry) => {
    let isShown = true;
    return {
      update: (progress) => {
        entry.progress = progress;
        draw();
      },
      note: (text) => rows.above(terminalLines([`${entry.batchId}: ${text}`])),
      end: () => {
        if (isShown && --shown === 0) rows.leave();
        isShown = false;
      },
    };
  });
}

/** No row is wider than `columns`, and there are no more of them than `lines`. */
export function boardRows(
  entries: readonly BoardEntry[],
  columns: number,
  lines: number,
  paint: Paint,
): string[] {
  const blocks = entries.map((entry) => blockOf(entry, columns, paint));
  const rows = blocks.flatMap((block, at) => (at === 0 ? block : ['', ...block]));
  if (rows.length <= lines) return rows;
  const width = Math.min(WIDEST_ID, Math.floor(columns / 3), ...[longestId(entries)]);
  const brief = entries.map((entry) => briefRow(entry, width, columns, paint));
  if (brief.length <= lines) return brief;
  const kept = brief.slice(0, Math.max(0, lines - 1));
  return [...kept, paint.dim(cutToWidth(`… and ${brief.length - kept.length} more`, columns))];
}

const longestId = (entries: readonly BoardEntry[]): number =>
  Math.max(...entries.map(({ batchId }) => textWidth(batchId)));

function blockOf(entry: BoardEntry, columns: number, paint: Paint): string[] {
  const title = paint.bold(toTerminalText(entry.batchId, columns));
  return [title, ...(entry.progress ? progressRows(entry.progress, entry, columns, paint) : ['…'])];
}

function briefRow(entry: BoardEntry, width: number, columns: number, paint: Paint): string {
  const id = padToWidth(toTerminalText(entry.batchId, width), width);
  if (!entry.progress) return cutToWidth(id, columns);
  const room = columns - width - 2;
  if (room < 1) return toTerminalText(entry.batchId, columns);
  return `${paint.bold(id)}  ${barRow(entry.progress, entry.simulated, room, paint).bar}`;
}
