/** What `run`, `resume` and the TypeScript API share: make a batch go on, and see it to where it stops. */
import type { Config } from '../config.ts';
import type { BatchOutcome, BatchSettings, Progress } from '../contract.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { resumeUpdate } from '../workflows/messages.ts';
import { driveBatch } from './drive-batch.ts';
import { isOf, viewOf } from './server-view.ts';
import { assertOurs, startRun } from './start-run.ts';
import type { Temporal } from './temporal.ts';

export interface ContinueOptions {
  config: Config;
  temporal: Temporal;
  store: BatchStore;
  /** Of a run that is started now; one that is open keeps its own. */
  limits: BatchSettings['limits'];
  /** Whether a pause is lifted (`resume`) or kept (`run`). */
  liftPause: boolean;
  /** Whether a worker of our own works on it. */
  worker: boolean;
  onProgress(progress: Progress): void;
  note(line: string): void;
  interrupt: AbortSignal;
}

export type ContinueEnd =
  | { kind: 'finished'; outcome: BatchOutcome }
  | { kind: 'paused'; progress: Progress }
  | { kind: 'interrupted' }
  /** Ended from outside, without a report: terminated, or past its retention. */
  | { kind: 'ended-outside'; how: string };

/** How the newest run ended, if it is over for `run` and `resume`; a cancelled batch is not: it can go on. */
export async function finishedOutcome(store: BatchStore): Promise<BatchOutcome | null> {
  const outcome = (await store.readManifest()).runs.at(-1)?.outcome;
  return outcome && outcome.state !== 'cancelled' ? outcome : null;
}

/** Opens the batch on the server if it is not open, without working on it. True: it was open already. */
export async function openBatch(
  options: Pick<ContinueOptions, 'config' | 'temporal' | 'store' | 'limits' | 'liftPause'>,
): Promise<boolean> {
  const { config, temporal, store, limits, liftPause } = options;
  const view = await viewOf(temporal, store.batchId);
  assertOurs(view, store);
  if (view.kind === 'open' && isOf(view, store)) return true;
  await startRun(config, temporal, store, limits, liftPause);
  return false;
}

export async function continueBatch(options: ContinueOptions): Promise<ContinueEnd> {
  const { temporal, store, liftPause } = options;
  const attached = await openBatch(options);
  const end = await driveBatch({
    ...options,
    worker: options.worker ? 'full' : 'none',
    onReady: async () => {
      if (attached && liftPause) await liftAnyPause(temporal, store);
    },
  });
  if (end.kind !== 'closed') return end;
  const outcome = (await store.readManifest()).runs.at(-1)?.outcome;
  if (outcome) return { kind: 'finished', outcome };
  return {
    kind: 'ended-outside',
    how: end.view.kind === 'absent' ? 'DELETED' : end.view.description.status.name,
  };
}

async function liftAnyPause({ client }: Temporal, store: BatchStore): Promise<void> {
  try {
    await client.workflow.getHandle(store.batchId).executeUpdate(resumeUpdate);
  } catch (error) {
    // Refused: it was not paused, which is what is wanted.
    if ((error as Error).name !== 'WorkflowUpdateFailedError') throw error;
  }
}
