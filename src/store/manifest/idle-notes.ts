/** Time in which an open run had no worker. The worker that comes next notes it in the manifest. */
import { batchDigest } from '../digests/batch-digest.ts';
import type { BatchStore } from '../batch-store.ts';
import type { IdleSpan, Manifest, ManifestRun } from './manifest.ts';
import { messageOf } from '../store-error.ts';
import { isAtWork, readWorkerRecords } from '../workers/worker-records.ts';

/**
 * Notes in the manifest how long the newest run has had no worker. To be called before a worker starts on a run that was
 * open already. Writes nothing if the run is over, or if another worker is at work. Never rejects: without the note that
 * time counts as work, which is no reason to keep the worker from starting.
 */
export async function noteIdleTime(
  store: BatchStore,
  note: (line: string) => void,
  now = new Date(),
): Promise<void> {
  try {
    const run = (await store.readManifest()).runs.at(-1);
    if (!run || run.outcome) return;
    const since = await lastWorkAt(store, run, now);
    if (since === null || since >= now.toISOString()) return;
    await store.updateManifest((manifest) =>
      withIdle(manifest, run.run, { since, until: now.toISOString() }),
    );
  } catch (error) {
    note(
      `Could not record how long the batch had no worker: ${messageOf(error)}. The duration will include that time.`,
    );
  }
}

/** Adds the span to the run. Of two notes with the same beginning the first stays. */
export function withIdle(manifest: Manifest, run: number, span: IdleSpan): Manifest {
  const entry = manifest.runs.find((candidate) => candidate.run === run);
  const known = entry?.idle ?? [];
  if (!entry || known.some(({ since }) => since === span.since)) return manifest;
  const idle = [...known, span];
  return { ...manifest, runs: manifest.runs.map((each) => (each === entry ? { ...entry, idle } : each)) };
}

/** Returns when the run last had a worker, or its start if it had none, ISO 8601; `null` if a worker may be at work. */
async function lastWorkAt(store: BatchStore, run: ManifestRun, now: Date): Promise<string | null> {
  const records = (await readWorkerRecords(store.folder)) ?? [];
  if (records.some((record) => isAtWork(record, now.getTime()))) return null;
  const known = [run.started_at, ...(run.idle ?? []).map(({ until }) => until)];
  const ends = records.map(({ left, at, renewedAt }) => ({
    at: at ?? new Date(renewedAt).toISOString(),
    isExact: left === true,
  }));
  const last = ends.toSorted((a, b) => a.at.localeCompare(b.at)).at(-1);
  if (last) known.push(last.at);
  // A killed worker may have written to the ledger after its last sign of life.
  if (!last?.isExact) known.push((await batchDigest(store)).lastRecordAt.get(run.run) ?? run.started_at);
  return known.toSorted().at(-1)!;
}
