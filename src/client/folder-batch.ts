import { statusOf } from './batch-status.ts';
import type { CommandContext } from './commands/context.ts';
import { logToFile } from './commands/worker-log.ts';
import { driveBatch } from './drive-batch.ts';
import { UsageError } from './options/usage-error.ts';
import type { ReachedBatch, Told } from './reached-batch.ts';
import { nextStep } from './render/next-steps.ts';
import { createUpdate } from './send-update.ts';
import { hasLiveWorker, viewOf } from './server-view.ts';
import { assertOurs } from './start-run.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { connectTemporal, connectTemporalIfRunning, type Temporal } from './temporal.ts';

/** A batch whose folder is here. Where no worker lives, one of our own carries the word and buys nothing. */
export function createFolderBatch(store: BatchStore, context: CommandContext): ReachedBatch {
  const { batchId } = store;
  const { config, note } = context;
  let connected: Temporal | null = null;

  /** Throws `UsageError` where there is no open batch to be told anything. */
  async function assertOpen(temporal: Temporal): Promise<void> {
    const view = await viewOf(temporal, batchId);
    assertOurs(view, store);
    if (view.kind === 'open') return;
    const { state, pause } = await statusOf(temporal, store);
    const { advice, command } = nextStep(state, pause, batchId);
    throw new UsageError(
      `${batchId} is not open on the Temporal server (${state}), so nothing was changed. ${advice} ${command ?? ''}`.trimEnd(),
    );
  }

  return {
    batchId,
    store,
    status: async () => {
      connected ??= await connectTemporalIfRunning(config).catch(() => null);
      return statusOf(connected, store);
    },
    tell: async (update, args): Promise<Told> => {
      const outcome = (await store.readManifest()).runs.at(-1)?.outcome;
      if (outcome)
        throw new UsageError(`${batchId} is not running: it is ${outcome.state}. Nothing was changed.`);
      logToFile(context);
      const temporal = (connected ??= await connectTemporal(config, note));
      await assertOpen(temporal);
      const alone = !(await hasLiveWorker(temporal, store));
      const send = createUpdate(temporal, batchId, update, args, note);
      const told = new AbortController();
      const answers: Told[] = [];
      await driveBatch({
        config,
        temporal,
        store,
        worker: alone ? 'idle' : 'none',
        onProgress: () => {},
        note,
        interrupt: told.signal,
        quiet: true,
        onReady: async () => {
          answers.push({ progress: await send(), alone });
          told.abort();
        },
      });
      return answers[0]!;
    },
    close: async () => connected?.close(),
  };
}
