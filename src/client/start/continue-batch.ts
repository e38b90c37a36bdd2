/** What `run`, `resume` and the TypeScript API share: make a batch go on, and see it to where it stops. */
import { randomUUID } from 'node:crypto';
import { refusals } from '../../core/failure-types.ts';
import type { BatchOutcome } from '../../core/outcome.ts';
import type { LimitChanges } from '../../core/settings.ts';
import type { Progress } from '../../core/progress.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { resumeUpdate, setUpdate } from '../../workflows/messages.ts';
import { requestedBy } from '../control/requested-by.ts';
import { driveBatch } from '../follow/drive-batch.ts';
import { outsideEndOf } from '../observe/outside-end.ts';
import type { SeenProgress } from '../render/progress/progress-facts.ts';
import { type StartOptions, startRun } from './start-run.ts';
import { updateUnlessOver } from '../control/send-update.ts';

/** Of a run that is started now; one that is open keeps its own limits. */
export interface ContinueOptions extends StartOptions {
  /** Whether a worker of our own works on it. */
  worker: boolean;
  /** Called when the batch is open, once: `attached` if it was open already, and then with what changes of its limits. */
  onOpen?: (attached: boolean) => Promise<LimitChanges>;
  onProgress(progress: SeenProgress): void;
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

/** Its newest run was cancelled, and none has begun since. */
export const isCancelled = async (store: BatchStore): Promise<boolean> =>
  (await store.readManifest()).runs.at(-1)?.outcome?.state === 'cancelled';

/** Opens the batch on the server if it is not open, without working on it. True: it was open already. */
export const openBatch = async (options: StartOptions): Promise<boolean> => !(await startRun(options));

export async function continueBatch(options: ContinueOptions): Promise<ContinueEnd> {
  const { temporal, store, liftPause, interrupt, onOpen = async () => ({}) } = options;
  let opened: { attached: boolean; changes: LimitChanges } | null = null;
  // Sent again after a loss of the server, they are carried out once.
  const [setId, resumeId] = [randomUUID(), randomUUID()];
  const { reason = null } = options;
  const end = await driveBatch({
    ...options,
    worker: options.worker ? 'full' : 'none',
    open: async () => {
      const attached = await openBatch(options);
      opened ??= { attached, changes: await onOpen(attached) };
      return attached;
    },
    onReady: async () => {
      const handle = temporal.client.workflow.getHandle(store.batchId);
      const { attached, changes } = opened!;
      const by = requestedBy(reason);
      if (Object.keys(changes).length > 0)
        await updateUnlessOver(handle, setUpdate, { args: [changes, by], updateId: setId }, { interrupt });
      if (attached && liftPause)
        await updateUnlessOver(
          handle,
          resumeUpdate,
          { args: [by], updateId: resumeId },
          { interrupt, orIf: [refusals.notPaused] },
        );
    },
  });
  if (end.kind !== 'closed') return end;
  const outcome = (await store.readManifest()).runs.at(-1)?.outcome;
  if (outcome) {
    options.onProgress(progressAtEnd(outcome, options.limits.maxWorkers));
    return { kind: 'finished', outcome };
  }
  const how = await outsideEndOf(temporal, store.batchId, end.view);
  return { kind: 'ended-outside', how: how ?? 'for a reason unknown' };
}

/** The last word on a batch that is over, made from how its run ended. */
export const progressAtEnd = (
  { state, counts, paid, failuresByType = {} }: BatchOutcome,
  maxWorkers: number,
): Progress => ({
  ...{ state, pause: null, counts, paid, maxWorkers },
  promptsPerSecond: 0,
  etaSeconds: null,
  autoWorkers: null,
  budget: null,
  lastFailures: [],
  failuresByType,
});
