import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchState, Pause, Progress } from '../contract.ts';
import { NOTHING_PAID } from '../store/standing.ts';
import { connectWorker, startCourier } from '../worker.ts';
import { cancelNowUpdate } from '../workflows/messages.ts';
import { askProgress, endedOutside, waitingText } from './batch-status.ts';
import type { CommandContext } from './commands/context.ts';
import { logToFile } from './commands/worker-log.ts';
import { UsageError } from './options/usage-error.ts';
import type { ReachedBatch } from './reached-batch.ts';
import type { BatchStatus } from './render/status-text.ts';
import { createUpdate } from './send-update.ts';
import { type BatchMemo, isPolled, type ServerView, viewOf } from './server-view.ts';
import type { Temporal } from './temporal.ts';

type KnownView = Exclude<ServerView, { kind: 'absent' }>;

const POLL_MS = 250;
const NOTHING_COUNTED = { total: 0, pending: 0, running: 0, succeeded: 0, failed: 0, notRun: 0 };

/** A batch whose folder is not here: all that is known of it comes from Temporal, and all that it is told goes there. */
export function createServerBatch(
  temporal: Temporal,
  batchId: string,
  place: NonNullable<BatchMemo['store']>,
  context: CommandContext,
): ReachedBatch {
  const { note } = context;
  const folder = `${place.outputDir} on ${place.host}`;

  async function view(): Promise<KnownView> {
    const seen = await viewOf(temporal, batchId);
    if (seen.kind === 'absent') throw new UsageError(`the Temporal server does not know ${batchId} any more`);
    return seen;
  }

  /** Throws `UsageError` where there is no open batch to be told anything. */
  async function openView(): Promise<KnownView> {
    const seen = await view();
    if (seen.kind === 'open') return seen;
    throw new UsageError(
      `${batchId} is not running: it is ${stateOf(seen)}. Nothing was changed. Its folder is ${folder}`,
    );
  }

  /** Calls `work` while somebody is there to hear it: where no worker lives, one that can do nothing else. */
  async function heard<T>({ description }: KnownView, alone: boolean, work: () => Promise<T>): Promise<T> {
    if (!alone) return work();
    logToFile(context);
    const connection = await connectWorker(temporal.address);
    try {
      const { namespace } = temporal;
      const courier = await startCourier({ connection, namespace, taskQueue: description.taskQueue });
      return await work().finally(() => courier.stop());
    } finally {
      await connection.close();
    }
  }

  return {
    batchId,
    store: null,
    temporal,
    status: async () => {
      const seen = await view();
      const progress = await askProgress(temporal, batchId, seen);
      return statusFrom(temporal, batchId, seen, progress);
    },
    tell: async (update, args) => {
      const seen = await openView();
      const alone = !(await isPolled(temporal, seen.description.taskQueue));
      const until = alone ? 'accepted' : 'noted';
      const send = createUpdate({ temporal, batchId, update, args, until, note });
      const progress = await heard(seen, alone, send);
      if (alone) note(`Its folder is ${folder}: a worker has to run there.`);
      return { progress, alone };
    },
    cancel: async ({ now, interrupt }) => {
      const seen = await openView();
      const alone = !(await isPolled(temporal, seen.description.taskQueue));
      const handle = temporal.client.workflow.getHandle(batchId);
      if (now || alone) await heard(seen, alone, () => handle.executeUpdate(cancelNowUpdate));
      await handle.cancel();
      if (alone) {
        note(
          `No worker is on this batch: it ends, with a report of what came back, as soon as one is. Its folder is ${folder}; type there: durabatch cancel ${batchId}`,
        );
        return { kind: 'asked' };
      }
      note(
        now ? 'Cancelling.' : 'Cancelling: prompts in progress get a minute to finish (--now: they do not).',
      );
      while (!interrupt.aborted) {
        if ((await view()).kind === 'closed') return { kind: 'closed', outcome: null };
        await sleep(POLL_MS, undefined, { signal: interrupt }).catch(() => {
          // the loop's condition sees it
        });
      }
      return { kind: 'interrupted' };
    },
    close: () => temporal.close(),
  };
}

/** What the server remembers of a batch that nobody answers for. */
function stateOf({ kind, memo, description }: KnownView): BatchState {
  if (kind === 'closed' && description.status.name === 'CANCELLED') return 'cancelled';
  if (kind === 'closed' && description.status.name === 'COMPLETED') return memo.state ?? 'succeeded';
  return memo.state === 'paused' || memo.state === 'cancelling' ? memo.state : 'crashed';
}

async function statusFrom(
  temporal: Temporal,
  batchId: string,
  view: KnownView,
  progress: Progress | null,
): Promise<BatchStatus> {
  const { memo, description } = view;
  const state = progress?.state ?? stateOf(view);
  const remembered: Pause | null = state === 'paused' ? (memo.pause ?? null) : null;
  const counts = progress?.counts ?? memo.counts ?? NOTHING_COUNTED;
  return {
    id: batchId,
    name: memo.name ?? batchId,
    state,
    pause: progress ? progress.pause : remembered,
    counts,
    failuresByType: progress?.failuresByType ?? memo.failuresByType ?? {},
    paid: progress?.paid ?? memo.paid ?? NOTHING_PAID,
    simulated: memo.simulated ?? false,
    outputDir: memo.store?.outputDir ?? '',
    folderHost: memo.store?.host ?? 'another machine',
    startedAt: description.startTime.toISOString(),
    resultsFile: memo.results?.resultsFile ?? null,
    csvFile: memo.results?.csvFile ?? null,
    waiting: await waitingText(temporal, view, { state, counts }),
    account: null,
    endedOutside: await endedOutside(temporal, batchId, view, state),
    webUiUrl: temporal.webUiOf(batchId, view.runId),
    source: progress ? 'workflow' : 'temporal',
  };
}
