import type { Progress } from '../../contract.ts';
import { percentText } from './number-text.ts';
import type { Paint } from './paint.ts';
import { doneCount, paceFacts, standing, tallyFacts } from './progress-facts.ts';
import type { ProgressContext } from './progress-line.ts';
import { cutToWidth, toTerminalText } from './terminal-text.ts';
import { textWidth } from './text-width.ts';

const LONGEST_BAR = 40;
const SHORTEST_BAR = 8;

/** The progress as the few rows of a live view. No row is wider than `columns`. */
export function progressRows(
  progress: Progress,
  context: ProgressContext,
  columns: number,
  paint: Paint,
): string[] {
  const tally = fitting(tallyFacts(progress), columns);
  const remark = remarkRow(progress, columns);
  const rows = [barRow(progress, context.simulated, columns, paint), paint.dim(tally)];
  return remark === null ? rows : [...rows, paint.yellow(remark)];
}

function barRow(progress: Progress, simulated: boolean, columns: number, paint: Paint): string {
  const { total } = progress.counts;
  const done = doneCount(progress.counts);
  const pace = paceFacts(progress);
  const how = standing(progress);
  const mark = simulated ? '[simulated] ' : '';
  const facts = [
    `${done}/${total}`,
    ...(how === null ? [] : [how]),
    ...(pace === null ? [] : [pace.eta, pace.rate]),
  ];
  const figures = fitting(facts, columns - textWidth(mark));
  const percent = `${percentText(done, total).padStart(5)}  `;
  const room = columns - textWidth(mark) - textWidth(percent) - textWidth(figures) - 1;
  if (room < SHORTEST_BAR) return cutToWidth(`${mark}${figures}`, columns);
  const bar = drawnBar(progress.counts, Math.min(LONGEST_BAR, room), paint);
  return `${paint.yellow(mark)}${bar} ${percent}${figures}`;
}

function drawnBar(counts: Progress['counts'], length: number, paint: Paint): string {
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

/** Why it stands still, else what failed last. */
function remarkRow(progress: Progress, columns: number): string | null {
  if (progress.state === 'paused' && progress.pause !== null) {
    return toTerminalText(progress.pause.message, columns);
  }
  const last = progress.lastFailures[0];
  if (last === undefined) return null;
  return toTerminalText(`last failure: ${last.promptId}: ${last.message}`, columns);
}

/** As many facts, from the first, as fit. */
function fitting(facts: readonly string[], columns: number): string {
  let text = '';
  for (const fact of facts) {
    const longer = text === '' ? fact : `${text} · ${fact}`;
    if (textWidth(longer) > columns) break;
    text = longer;
  }
  return text === '' ? cutToWidth(facts[0] ?? '', columns) : text;
}
