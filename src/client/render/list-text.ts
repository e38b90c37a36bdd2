import type { BatchState } from '../../core/progress.ts';
import { durationText } from './duration-text.ts';
import { costText, percentText } from './number-text.ts';
import { createPaint } from './paint.ts';
import { doneCount } from './progress/progress-facts.ts';
import { statePainter } from './state-text.ts';
import type { BatchStatus } from './status-text.ts';
import type { TextOptions } from './summary-text.ts';
import { toTerminalText } from './terminal-text.ts';
import { type Column, tableLines } from './text-table.ts';
import { type TerminalText, terminalLines } from '../../system/terminal-output.ts';
import { textWidth } from './text-width.ts';
import { commandLine } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

interface ListColumn extends Column {
  cell(status: BatchStatus, now: number): string;
  /** Which column a narrow terminal does without first, second …; the others stay. */
  dropped?: number;
}

const columnsOfList: readonly ListColumn[] = [
  { title: 'STATE', align: 'left', cell: stateCell },
  {
    title: 'DONE',
    align: 'right',
    cell: ({ counts }) =>
      `${doneCount(counts)}/${counts.total} ${percentText(doneCount(counts), counts.total)}`,
  },
  { title: 'FAILED', align: 'right', cell: ({ counts }) => String(counts.failed), dropped: 1 },
  { title: 'COST', align: 'right', cell: costCell, dropped: 3 },
  {
    title: 'AGE',
    align: 'right',
    cell: ({ startedAt }, now) => durationText(Math.max(0, now - Date.parse(startedAt))),
    dropped: 2,
  },
  // It is typed again, and never cut.
  { title: 'BATCH', align: 'left', cell: ({ id }) => id },
];

/** What `list` prints: a line for each batch, ages counted to `now` (milliseconds). */
export function listText(
  statuses: readonly BatchStatus[],
  now: number,
  { paint = createPaint(false), columns = Number.POSITIVE_INFINITY }: TextOptions = {},
  states: readonly BatchState[] = [],
): TerminalText {
  if (statuses.length === 0)
    return terminalLines([
      states.length === 0
        ? `No batches yet. To start one: ${asTyped(commandLine`durabatch run <file>`)}`
        : `No batch is ${states.join(' or ')}.`,
    ]);
  const [head = '', ...rows] = fittingTable(statuses, now, columns);
  return terminalLines([
    paint.dim(head),
    ...rows.map((row, at) => {
      const { state, folderHost, folderIsGone } = statuses[at]!;
      // The state is in front, as long as its cell.
      const length = stateCell(statuses[at]!).length;
      const place = folderIsGone ? 'folder gone' : folderHost && `on ${toTerminalText(folderHost, 40)}`;
      const where = place === null ? '' : paint.dim(`  (${place})`);
      return statePainter(state, paint)(row.slice(0, length)) + row.slice(length) + where;
    }),
  ]);
}

/** With as many columns as there is room for, ids taken as they come: one that is too long wraps. */
function fittingTable(statuses: readonly BatchStatus[], now: number, width: number): string[] {
  for (let without = 0; ; without++) {
    const shown = columnsOfList.filter(({ dropped = Number.POSITIVE_INFINITY }) => dropped > without);
    const lines = tableLines(
      shown,
      statuses.map((status) => shown.map(({ cell }) => cell(status, now))),
    );
    if (without === 3 || lines.every((line) => textWidth(line) <= width)) return lines;
  }
}

function stateCell({ state, pause }: BatchStatus): string {
  return toTerminalText(state === 'paused' && pause !== null ? `paused (${pause.reason})` : state, 40);
}

function costCell({ simulated, paid }: BatchStatus): string {
  if (simulated) return 'simulated';
  return paid.costNanoUsd === null ? 'unknown' : costText(paid.costNanoUsd);
}
