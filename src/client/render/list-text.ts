import { durationText } from './duration-text.ts';
import { costText, percentText } from './number-text.ts';
import { doneCount } from './progress-facts.ts';
import type { BatchStatus } from './status-text.ts';
import { tableText } from './text-table.ts';

/** What `list` prints: a line for each batch, ages counted to `now` (milliseconds). The id is last: it is typed again and never cut. */
export function listText(statuses: readonly BatchStatus[], now: number): string {
  if (statuses.length === 0) return 'No batches yet. To start one: durabatch run <file>';
  return tableText(
    [
      { title: 'STATE', align: 'left' },
      { title: 'DONE', align: 'right' },
      { title: 'FAILED', align: 'right' },
      { title: 'COST', align: 'right' },
      { title: 'AGE', align: 'right' },
      { title: 'BATCH', align: 'left' },
    ],
    statuses.map((status) => rowOf(status, now)),
  );
}

function rowOf({ id, state, pause, counts, paid, simulated, startedAt }: BatchStatus, now: number): string[] {
  const done = doneCount(counts);
  return [
    state === 'paused' && pause !== null ? `paused (${pause.reason})` : state,
    `${done}/${counts.total} ${percentText(done, counts.total)}`,
    String(counts.failed),
    simulated ? 'simulated' : paid.costNanoUsd === null ? 'unknown' : costText(paid.costNanoUsd),
    durationText(Math.max(0, now - Date.parse(startedAt))),
    id,
  ];
}
