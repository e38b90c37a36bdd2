import { cutToWidth, toTerminalText } from '../terminal-text.ts';
import { percentText } from '../number-text.ts';
import type { Paint } from '../paint.ts';
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
import type { ProgressContext } from './progress-line.ts';
import { textWidth } from '../text-width.ts';

const LONGEST_BAR = 60;
const SHORTEST_BAR = 8;
const TALLY_ROWS = 2;

/** The progress as the few rows of a live view. No row is wider than `columns`. */
export function progressRows(
  progress: SeenProgress,
  context: ProgressContext,
  columns: number,
  paint: Paint,
): string[] {
  const row = (text: string | null, painted: (text: string) => string): string[] =>
    text === null ? [] : [painted(cutToWidth(text, columns))];
  const isPaused = progress.state === 'paused' && progress.pause !== null;
  const { bar, leftOut } = barRow(progress, context.simulated, columns, paint);
  return [
    bar,
    ...flowing([...tallyFacts(progress), ...leftOut], columns, TALLY_ROWS).map(paint.dim),
    ...row(retryText(progress), paint.yellow),
    ...row(autoText(progress), paint.dim),
    ...row(isPaused ? toTerminalText(`why: ${progress.pause!.message}`, columns) : null, paint.yellow),
    ...row(isPaused ? null : lastFailureText(progress, columns), paint.red),
  ];
}

/** A bar and as many figures as leave it room; at the narrowest, figures alone. */
export function barRow(
  progress: SeenProgress,
  simulated: boolean,
  columns: number,
  paint: Paint,
): { bar: string; leftOut: string[] } {
  const { total } = progress.counts;
  const done = doneCount(progress.counts);
  const pace = paceFacts(progress);
  const how = stateNote(progress);
  const mark = simulated ? '[simulated] ' : '';
  const percent = `${percentText(done, total).padStart(5)}  `;
  const figures = [
    `${done}/${total}`,
    ...(how === null ? [] : [how]),
    ...(pace === null ? [] : [pace.eta, pace.rate]),
  ];
  const needed = how === null && pace === null ? 1 : 2;
  for (let count = figures.length; count >= needed; count--) {
    const shown = figures.slice(0, count).join(' · ');
    const room = columns - textWidth(mark) - textWidth(percent) - textWidth(shown) - 1;
    if (room < SHORTEST_BAR) continue;
    const bar = drawnBar(progress.counts, Math.min(LONGEST_BAR, room), paint);
    return { bar: `${paint.yellow(mark)}${bar} ${percent}${shown}`, leftOut: figures.slice(count) };
  }
  const [shown = ''] = flowing(figures, columns - textWidth(mark), 1);
  return { bar: cutToWidth(`${mark}${shown}`, columns), leftOut: [] };
}

function drawnBar(counts: SeenProgress['counts'], length: number, paint: Paint): string {
  const share = (count: number): number =>
    counts.total === 0 ? 0 : Math.floor((count / counts.total) * length);
  const done = share(doneCount(counts));
  // A single failure must be seen, however long the batch is.
  const failed = Math.min(done, counts.failed > 0 ? Math.max(1, share(counts.failed)) : 0);
  const running = share(doneCount(counts) + counts.running) - done;
  return (
    paint.green('█'.repeat(done - failed)) +
    paint.red('█'.repeat(failed)) +
    paint.dim('▒'.repeat(running) + '░'.repeat(length - done - running))
  );
}

/** As many facts, from the first, as fit into this many rows. A fact is never broken in two. */
function flowing(facts: readonly string[], columns: number, mostRows: number): string[] {
  const rows = [''];
  for (const fact of facts) {
    const row = rows.at(-1)!;
    const longer = row === '' ? fact : `${row} · ${fact}`;
    if (textWidth(longer) <= columns) rows[rows.length - 1] = longer;
    else if (row !== '' && rows.length < mostRows && textWidth(fact) <= columns) rows.push(fact);
    else break;
  }
  return rows[0] === '' ? [cutToWidth(facts[0] ?? '', columns)] : rows;
}
