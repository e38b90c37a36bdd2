import { connectWorker, startCourier } from '../../worker/batch-worker.ts';
import type { CommandContext } from '../commands/context.ts';
import { logToFile } from '../commands/worker-log.ts';
import { UsageError } from '../usage-error.ts';
import type { ReachedBatch } from './reached-batch.ts';
import { closedState, listingOf, remoteStatusOf, type RemoteView } from '../observe/remote-batch.ts';
import { createOperatorUpdate } from './operator-update.ts';
import { isPolled, viewOf } from '../observe/server-view.ts';
import type { BatchMemo } from '../observe/told-by-server.ts';
import { cancelNow } from './send-update.ts';
import type { Temporal } from '../connect/temporal.ts';
import { unlessClosed } from './unless-closed.ts';
import { abortableSleep } from '../../system/abortable-sleep.ts';
import { commandLine, idWord } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

const POLL_MS = 250;

/** A batch whose folder is not here: all that is known of it comes from Temporal, and all that it is told goes there. */
export function createServerBatch(
  temporal: Temporal,
  batchId: string,
  place: NonNullable<BatchMemo['store']>,
  context: CommandContext,
): ReachedBatch {
  const { note } = context;
  const folder = `${place.outputDir} on ${place.host}`;

  async function view(): Promise<RemoteView> {
    const seen = await viewOf(temporal, batchId);
    if (seen.kind === 'absent') throw new UsageError(`the Temporal server does not know ${batchId} any more`);
    return seen;
  }

  /** Throws `UsageError` where there is no open batch to be told anything. */
  async function openView(): Promise<RemoteView> {
    const seen = await view();
    if (seen.kind === 'open') return seen;
    throw new UsageError(
      `${batchId} is not running (state: ${closedState(seen.memo)}), so nothing was changed. Its folder is ${folder}`,
    );
  }

  /** Calls `work` while somebody is there to hear it: where no worker lives, one that can do nothing else. */
  async function heard<T>({ description }: RemoteView, alone: boolean, work: () => Promise<T>): Promise<T> {
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
    status: async () => remoteStatusOf(temporal, listingOf(batchId, await view())),
    tell: async (update, args) => {
      const seen = await openView();
      const alone = !(await isPolled(temporal, seen.description.taskQueue));
      const until = alone ? 'accepted' : 'noted';
      const send = createOperatorUpdate({ temporal, batchId, update, args, until, note });
      const progress = await heard(seen, alone, send);
      if (alone) note(`Its folder is ${folder}: a worker has to run there.`);
      return { progress, alone };
    },
    cancel: async ({ now, interrupt }) => {
      const seen = await openView();
      const alone = !(await isPolled(temporal, seen.description.taskQueue));
      const handle = temporal.client.workflow.getHandle(batchId);
      try {
        await unlessClosed(async () => {
          if (now || alone) await heard(seen, alone, () => cancelNow(handle, { interrupt }));
          await handle.cancel();
        });
      } catch (error) {
        if (interrupt.aborted) return { kind: 'interrupted' };
        throw error;
      }
      if (alone) {
        note(
          `No worker is on this batch: it ends, with a report of what came back, as soon as a worker starts. Its folder is ${folder}; type there: ${asTyped(commandLine`durabatch cancel ${idWord(batchId)}`)}`,
        );
        return { kind: 'asked' };
      }
      note(
        now ? 'Cancelling.' : 'Cancelling: prompts in progress get a minute to finish (--now: they do not).',
      );
      while (!interrupt.aborted) {
        if ((await view()).kind === 'closed') return { kind: 'closed', outcome: null };
        await abortableSleep(POLL_MS, interrupt);
      }
      return { kind: 'interrupted' };
    },
    close: () => temporal.close(),
  };
}
