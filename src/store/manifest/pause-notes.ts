/** Pauses in the manifest, as pure changes of it: each may be applied to any newer manifest. */
import type { Pause } from '../../core/progress.ts';
import type { PauseNote } from '../../core/prompt-task.ts';
import type { Manifest, ManifestRun, PauseSpan } from './manifest.ts';

/**
 * Notes that a run is paused, or with `null` that it is not. A note that comes late (its process was frozen, and
 * another one has noted what came after) changes only the times of the pauses it knows of.
 */
export function withPause(
  manifest: Manifest,
  { run: number, pause, ended }: Pick<PauseNote, 'run' | 'pause' | 'ended'>,
): Manifest {
  const run = manifest.runs.find((entry) => entry.run === number);
  if (!run) return { ...manifest, pause };
  const pauses = ended.reduce(withSpan, run.pauses ?? []);
  const known = pause && pauses.find(({ since }) => since === pause.since);
  const isLate =
    run !== manifest.runs.at(-1) ||
    run.outcome !== undefined ||
    known?.until !== undefined ||
    (pause === null && isNewer(manifest.pause, ended));
  if (isLate) return withPauses(manifest, run, pauses);
  const all = pause && !known ? [...pauses, { since: pause.since }] : pauses;
  return { ...withPauses(manifest, run, all), pause };
}

/** Whether a pause is none of those that have ended, and began after them. */
const isNewer = (pause: Pause | null, ended: readonly Required<PauseSpan>[]): boolean =>
  pause !== null &&
  !ended.some(({ since }) => since === pause.since) &&
  ended.some(({ until }) => pause.since >= until);

function withSpan(pauses: readonly PauseSpan[], { since, until }: Required<PauseSpan>): PauseSpan[] {
  const others = pauses.filter((known) => known.since !== since);
  const known = pauses.find((one) => one.since === since);
  return [...others, { since, until: known?.until ?? until }];
}

const withPauses = (manifest: Manifest, run: ManifestRun, pauses: readonly PauseSpan[]): Manifest =>
  pauses.length === 0
    ? manifest
    : {
        ...manifest,
        runs: manifest.runs.map((entry) => (entry === run ? { ...run, pauses: [...pauses] } : entry)),
      };
