/** How long a batch was at work, paused, and without a worker: pure, from the runs in its manifest. */
import type { BatchState } from '../../core/progress.ts';
import type { Manifest, PauseSpan } from './manifest.ts';

export interface RunTimes {
  /** Sum over the runs, without the time in which they were paused or had no worker. */
  workSeconds: number;
  /** Sum over the runs; the time between two runs is in none of the three. */
  pausedSeconds: number;
  /** Time in which the runs had no worker and were not paused. */
  idleSeconds: number;
}

/** The end of a run that is still open, ISO 8601. */
export interface OpenRun {
  run: number;
  at: string;
}

/**
 * A run lasts to its end. One whose end nobody has noted lasts to `open`, if that names it, else to its newest record
 * in the ledger. Runs of version 0.1.0 have no pauses noted: all of their time counts as work.
 */
export function runTimesOf(
  { runs }: Pick<Manifest, 'runs'>,
  lastRecordAt: ReadonlyMap<number, string>,
  open: OpenRun | null,
): RunTimes {
  let [workMs, pausedMs, idleMs] = [0, 0, 0];
  for (const { run, started_at: startedAt, ended_at: endedAt, pauses = [], idle = [] } of runs) {
    const end = endedAt ?? (run === open?.run ? open.at : (lastRecordAt.get(run) ?? startedAt));
    const [from, to] = [Date.parse(startedAt), Date.parse(end)];
    const paused = coveredWithin(pauses, from, to);
    const covered = coveredWithin([...pauses, ...idle], from, to);
    workMs += Math.max(0, to - from) - covered;
    pausedMs += paused;
    idleMs += covered - paused;
  }
  return { workSeconds: workMs / 1000, pausedSeconds: pausedMs / 1000, idleSeconds: idleMs / 1000 };
}

/** Time that several spans share counts once. A span without an end lasts to the end of its run. */
function coveredWithin(spans: readonly PauseSpan[], from: number, to: number): number {
  let covered = 0;
  let counted = from;
  for (const { since, until } of spans.toSorted((a, b) => Date.parse(a.since) - Date.parse(b.since))) {
    const begin = Math.max(counted, Date.parse(since));
    const end = Math.min(to, until === undefined ? to : Date.parse(until));
    if (end <= begin) continue;
    covered += end - begin;
    counted = end;
  }
  return covered;
}

/** The newest run, if it goes on at `at`. A paused one does too where its pause was noted: that time is no work. */
export function openRunOf({ runs }: Pick<Manifest, 'runs'>, state: BatchState, at: string): OpenRun | null {
  const newest = runs.at(-1);
  if (!newest) return null;
  const lastPause = newest.pauses?.at(-1);
  const isPaused = state === 'paused' && lastPause !== undefined && lastPause.until === undefined;
  return state === 'running' || state === 'cancelling' || isPaused ? { run: newest.run, at } : null;
}
