/** What a command says of a batch when it leaves it. */
import type { BatchOutcome, Progress } from '../contract.ts';
import { batchDigest } from '../store/batch-digest.ts';
import { durationOf } from '../store/batch-reading.ts';
import type { BatchStore } from '../store/batch-store.ts';
import type { BatchSummary } from './render/summary-text.ts';
import { runFlagsOf } from './run-flags.ts';
import type { Temporal } from './temporal.ts';

/** `end` is how the run ended, or the progress at which it was left. */
export async function batchSummary(
  store: BatchStore,
  end: { outcome: BatchOutcome } | { progress: Progress },
  temporal: Temporal | null,
  runId?: string,
): Promise<BatchSummary> {
  const manifest = await store.readManifest();
  const outcome = 'outcome' in end ? end.outcome : null;
  const progress = 'progress' in end ? end.progress : null;
  const now = new Date().toISOString();
  const digest = await batchDigest(store);
  const durationSeconds =
    outcome?.durationSeconds ??
    durationOf(manifest, digest, { run: manifest.runs.at(-1)?.run ?? 0, at: now });
  const { counts, paid } = outcome ?? progress!;
  return {
    batchId: store.batchId,
    batchName: manifest.batch_name,
    state: outcome?.state ?? progress!.state,
    pause: progress?.pause ?? null,
    counts,
    paid,
    durationMs: durationSeconds * 1000,
    provider: manifest.settings.provider,
    model: manifest.settings.model,
    simulated: manifest.settings.provider === 'simulated',
    limits: manifest.limits,
    resultsFile: outcome?.resultsFile ?? null,
    csvFile: outcome?.csvFile ?? null,
    failuresFile: outcome?.failuresFile ?? null,
    webUiUrl: temporal?.webUiOf(store.batchId, runId) ?? null,
    stopServerCommand: temporal?.embedded ? 'durabatch server stop' : null,
    runFlags: runFlagsOf(manifest.settings, store.location.outputDir),
    bill: digest.bill,
    failures: digest.failures,
    warnings: outcome?.warnings ?? [],
    timestamp: now,
  };
}
