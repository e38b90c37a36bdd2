/** What a command says of a batch when it leaves it. */
import type { BatchOutcome } from '../../core/outcome.ts';
import type { Progress } from '../../core/progress.ts';
import { batchDigest } from '../../store/digests/batch-digest.ts';
import { fromOutcomeBill } from '../../store/digests/bill-tally.ts';
import { runTimesOf } from '../../store/manifest/run-times.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import type { BatchSummary } from '../render/summary-text.ts';
import { runFlagsOf } from '../start/run-flags.ts';
import { commandLine } from '../../core/command-line.ts';
import type { Temporal } from '../connect/temporal.ts';

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
  const figures = (outcome && reportedFigures(outcome)) ?? (await presentFigures(store, manifest, now));
  const { counts, paid } = outcome ?? progress!;
  return {
    batchId: store.batchId,
    batchName: manifest.batch_name,
    state: outcome?.state ?? progress!.state,
    pause: progress?.pause ?? null,
    counts,
    paid,
    provider: manifest.settings.provider,
    model: manifest.settings.model,
    simulated: manifest.settings.provider === 'simulated',
    limits: manifest.limits,
    resultsFile: outcome?.resultsFile ?? null,
    csvFile: outcome?.csvFile ?? null,
    failuresFile: outcome?.failuresFile ?? null,
    webUiUrl: temporal?.webUiOf(store.batchId, runId) ?? null,
    stopServerCommand: temporal?.embedded ? commandLine`durabatch server stop` : null,
    runFlags: runFlagsOf(manifest.settings, manifest.limits, store.location.outputDir),
    ...figures,
    warnings: outcome?.warnings ?? [],
    timestamp: now,
  };
}

type Figures = Pick<BatchSummary, 'durationMs' | 'pausedMs' | 'idleMs' | 'bill' | 'failures'>;

/** What the report says; `null` where an older version has written it. */
function reportedFigures({
  durationSeconds,
  pausedSeconds = 0,
  idleSeconds = 0,
  bill,
  failures,
}: BatchOutcome): Figures | null {
  if (!bill || !failures) return null;
  return {
    durationMs: durationSeconds * 1000,
    pausedMs: pausedSeconds * 1000,
    idleMs: idleSeconds * 1000,
    bill: fromOutcomeBill(bill),
    failures,
  };
}

async function presentFigures(store: BatchStore, manifest: Manifest, now: string): Promise<Figures> {
  const { lastRecordAt, bill, failures } = await batchDigest(store);
  const open = { run: manifest.runs.at(-1)?.run ?? 0, at: now };
  const { workSeconds, pausedSeconds, idleSeconds } = runTimesOf(manifest, lastRecordAt, open);
  return {
    durationMs: workSeconds * 1000,
    pausedMs: pausedSeconds * 1000,
    idleMs: idleSeconds * 1000,
    ...{ bill, failures },
  };
}
