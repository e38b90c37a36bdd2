/** Beginnings and ends of runs in the manifest, as pure changes of it: each may be applied to any newer manifest. */
import type { BatchOutcome } from '../../core/outcome.ts';
import type { Manifest, ManifestRun } from './manifest.ts';

/** The next run begins. A pause that is not lifted goes on in it. */
export function withRun(
  manifest: Manifest,
  begun: Omit<ManifestRun, 'run' | 'pauses' | 'idle'>,
  liftPause: boolean,
): Manifest {
  const pause = liftPause ? null : manifest.pause;
  const run = (manifest.runs.at(-1)?.run ?? 0) + 1;
  const pauses = pause && [{ since: pause.since }];
  return {
    ...manifest,
    limits: begun.limits,
    pause,
    runs: [...manifest.runs, { run, ...begun, ...(pauses && { pauses }) }],
  };
}

/** Takes back a run that never began, as long as it is the newest: no workflow will tell its end. */
export function withoutRun(
  manifest: Manifest,
  { run, started_at }: Pick<ManifestRun, 'run' | 'started_at'>,
): Manifest {
  const newest = manifest.runs.at(-1);
  const isIt = newest?.run === run && newest.started_at === started_at && !newest.outcome;
  return isIt ? { ...manifest, runs: manifest.runs.slice(0, -1) } : manifest;
}

/** A run has ended. What was noted of its end first stays: the workflow returns the same. */
export function withOutcome(
  manifest: Manifest,
  run: number,
  endedAt: string,
  outcome: BatchOutcome,
): Manifest {
  const entry = manifest.runs.find((candidate) => candidate.run === run);
  if (!entry || entry.outcome) return manifest;
  return {
    ...manifest,
    pause: entry === manifest.runs.at(-1) ? null : manifest.pause,
    runs: manifest.runs.map((each) => (each === entry ? { ...entry, ended_at: endedAt, outcome } : each)),
  };
}
