/** Looks on at one batch from outside until it stops: with its folder, or through Temporal alone. */
import type { Config } from '../../config.ts';
import type { BatchOutcome } from '../../core/outcome.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { statusOf } from './batch-status.ts';
import { driveBatch } from '../follow/drive-batch.ts';
import { createEtaCountdown } from './eta-countdown.ts';
import { askProgress } from './ask-progress.ts';
import { remembered, remoteStatusOf, type RemoteListing } from './remote-batch.ts';
import type { SeenProgress } from '../render/progress/progress-facts.ts';
import type { ProgressView } from '../render/progress/progress-view.ts';
import type { BatchStatus } from '../render/status-text.ts';
import { createRetriesLook } from './retries.ts';
import { isOf, viewOf, viewWithin } from './server-view.ts';
import { abortableSleep } from '../../system/abortable-sleep.ts';
import { connectTemporalIfRunning, type Temporal } from '../connect/temporal.ts';
import { commandLine, idWord } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

export interface WatchOptions {
  config: Config;
  view: Pick<ProgressView, 'update' | 'note'>;
  interrupt: AbortSignal;
}

export type WatchEnd =
  | { kind: 'finished'; outcome: BatchOutcome }
  | { kind: 'paused'; progress: SeenProgress }
  /** As its status tells: it has stopped, and nothing else of that is here. */
  | { kind: 'stopped'; status: BatchStatus }
  | { kind: 'interrupted' };

const POLL_MS = 1000;
const ASK_MS = 5000;

/** One that nobody works on is waited for. */
export async function watchStore(
  store: BatchStore,
  { config, view, interrupt }: WatchOptions,
): Promise<WatchEnd> {
  for (let told = false; !interrupt.aborted; told = true) {
    const temporal = await connectTemporalIfRunning(config);
    try {
      const seen = temporal && (await viewOf(temporal, store.batchId));
      if (temporal && seen?.kind === 'open' && isOf(seen, store)) {
        const status = await statusOf(temporal, store);
        if (status.source !== 'workflow') view.update(recordedProgress(status));
        if (status.source !== 'workflow' && status.state === 'paused')
          return { kind: 'paused', progress: recordedProgress(status) };
        const end = await driveBatch({
          ...{ config, temporal, store, interrupt },
          worker: 'none',
          onProgress: view.update,
          note: view.note,
        });
        if (end.kind !== 'closed') return end;
        return await endOf(temporal, store);
      }
      if ((await store.readManifest()).runs.at(-1)?.outcome) return await endOf(temporal, store);
      if (!told)
        view.note(
          `No worker is on this batch. To continue it: ${asTyped(commandLine`durabatch resume ${idWord(store.batchId)}`)}. Waiting for a worker; press Ctrl-C to stop waiting.`,
        );
    } finally {
      await temporal?.close();
    }
    await abortableSleep(POLL_MS, interrupt);
  }
  return { kind: 'interrupted' };
}

async function endOf(temporal: Temporal | null, store: BatchStore): Promise<WatchEnd> {
  const outcome = (await store.readManifest()).runs.at(-1)?.outcome;
  if (outcome) return { kind: 'finished', outcome };
  return { kind: 'stopped', status: await statusOf(temporal, store) };
}

/** As {@link watchStore}, of a batch whose folder is not here. */
export async function watchRemote(
  temporal: Temporal,
  batch: RemoteListing,
  { view, interrupt }: WatchOptions,
): Promise<WatchEnd> {
  const { batchId, taskQueue } = batch;
  const retriesOf = createRetriesLook(temporal);
  const etaOf = createEtaCountdown();
  let isAway = false;
  let silences = 0;
  const noteAway = (away: boolean): void => {
    if (away !== isAway) view.note(away ? 'Waiting for the Temporal server to answer.' : 'Going on.');
    isAway = away;
  };
  while (!interrupt.aborted) {
    const seen = await viewWithin(temporal, batchId, ASK_MS);
    noteAway(seen === null);
    if (seen && seen.kind !== 'open') {
      const listing = seen.kind === 'closed' ? { ...batch, memo: seen.memo, runId: seen.runId } : batch;
      return { kind: 'stopped', status: await remoteStatusOf(temporal, { ...listing, isOpen: false }) };
    }
    if (seen) {
      const word = await askProgress(temporal, { batchId, taskQueue }, ASK_MS);
      const progress = word.kind === 'told' ? word.progress : null;
      const workerIsSilent = word.kind === 'silent';
      silences = progress ? 0 : silences + 1;
      const retries = await retriesOf(seen);
      const shown: SeenProgress = progress
        ? { ...progress, etaSeconds: etaOf(progress, retries), retries }
        : recordedProgress({
            ...remembered(seen.memo, workerIsSilent),
            pause: seen.memo.pause ?? null,
            workerIsSilent,
            limits: null,
          });
      view.update(shown);
      const isStill = progress ? progress.counts.running === 0 : silences > 1;
      if (shown.state === 'paused' && isStill)
        return { kind: 'stopped', status: await remoteStatusOf(temporal, { ...batch, memo: seen.memo }) };
    }
    await abortableSleep(POLL_MS, interrupt);
  }
  return { kind: 'interrupted' };
}

/** What is written down of a batch whose worker is gone, or does not answer. */
const recordedProgress = ({
  counts,
  paid,
  failuresByType,
  pause: paused,
  workerIsSilent,
  limits,
}: Pick<
  BatchStatus,
  'counts' | 'paid' | 'pause' | 'failuresByType' | 'workerIsSilent' | 'limits'
>): SeenProgress => ({
  ...{ state: paused ? 'paused' : 'running', pause: paused, counts, paid },
  unheard: workerIsSilent ? 'silent-worker' : 'no-worker',
  budget: budgetOf(limits, paid),
  ...{ promptsPerSecond: 0, etaSeconds: null, maxWorkers: 0, lastFailures: [] },
  ...{ autoWorkers: null, failuresByType },
});

const budgetOf = (
  limits: BatchStatus['limits'],
  { costNanoUsd }: BatchStatus['paid'],
): SeenProgress['budget'] =>
  limits?.maxCostNanoUsd == null
    ? null
    : { maxCostNanoUsd: limits.maxCostNanoUsd, spentNanoUsd: costNanoUsd ?? 0, reservedNanoUsd: 0 };
