/** What a command says of a batch when it leaves it. */
import type { BatchOutcome, FailureType, Progress } from '../contract.ts';
import { durationOf, readBatchPrompts, totalsOf } from '../store/batch-reading.ts';
import type { BatchStore } from '../store/batch-store.ts';
import type { BatchSummary, FailureGroup } from './render/summary-text.ts';
import type { Temporal } from './temporal.ts';

const EXAMPLES = 3;

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
  const durationSeconds =
    outcome?.durationSeconds ??
    durationOf(manifest, await totalsOf(store), { run: manifest.runs.at(-1)?.run ?? 0, at: now });
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
    resultsFile: outcome?.resultsFile ?? null,
    csvFile: outcome?.csvFile ?? null,
    webUiUrl: temporal?.webUiOf(store.batchId, runId) ?? null,
    stopServerCommand: temporal?.embedded ? 'durabatch server stop' : null,
    failures: counts.failed > 0 ? await failureGroups(store) : [],
    warnings: outcome?.warnings ?? [],
    timestamp: now,
  };
}

async function failureGroups(store: BatchStore): Promise<FailureGroup[]> {
  const groups = new Map<FailureType, FailureGroup>();
  for await (const { item, standing } of readBatchPrompts(store)) {
    const error = standing.settled?.error;
    if (!error) continue;
    const group = groups.get(error.type) ?? { type: error.type, count: 0, examples: [] };
    groups.set(error.type, group);
    group.count++;
    if (group.examples.length < EXAMPLES)
      group.examples.push({ promptId: item.prompt_id, message: error.message });
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}
