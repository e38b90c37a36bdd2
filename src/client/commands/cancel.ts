import { cancelNowUpdate } from '../../workflows/messages.ts';
import { driveBatch } from '../drive-batch.ts';
import { locateBatch } from '../locate-batch.ts';
import { UsageError } from '../options/usage-error.ts';
import { assertOurs } from '../start-run.ts';
import { hasLiveWorker, viewOf } from '../server-view.ts';
import { connectTemporal } from '../temporal.ts';
import { type CommandContext, interruptSignal } from './context.ts';
import { logToFile } from './worker-log.ts';
import { exitCodes } from './exit-codes.ts';
import { printFinished } from './last-words.ts';

export interface CancelOptions {
  outputDir?: string;
  /** Does not wait for the prompts in progress. */
  now: boolean;
}

/** Cancels and waits for the report. Where no worker lives, one of our own closes the batch and buys nothing. */
export async function cancelCommand(
  id: string,
  options: CancelOptions,
  context: CommandContext,
): Promise<number> {
  const { config, note } = context;
  const store = await locateBatch(config, id, options.outputDir);
  const outcome = (await store.readManifest()).runs.at(-1)?.outcome;
  if (outcome)
    throw new UsageError(
      `${store.batchId} is not running: it is ${outcome.state}. Its results are in ${outcome.resultsFile}`,
    );
  logToFile(context);
  const temporal = await connectTemporal(config, note);
  try {
    const view = await viewOf(temporal, store.batchId);
    assertOurs(view, store);
    if (view.kind !== 'open') {
      throw new UsageError(
        `${store.batchId} is not open on the Temporal server, so there is nothing to cancel. ` +
          `Its answers are kept: durabatch report ${store.batchId} writes them out.`,
      );
    }
    const alone = !(await hasLiveWorker(temporal, store));
    const handle = temporal.client.workflow.getHandle(store.batchId);
    const end = await driveBatch({
      config,
      temporal,
      store,
      worker: alone ? 'idle' : 'none',
      waitsForClose: true,
      onProgress: () => {},
      note,
      interrupt: interruptSignal(),
      onReady: async () => {
        // Without a worker nothing is in progress that could finish.
        if (options.now || alone) await handle.executeUpdate(cancelNowUpdate);
        await handle.cancel();
        note(
          options.now || alone
            ? 'Cancelling.'
            : 'Cancelling: prompts in progress get a minute to finish (--now: they do not).',
        );
      },
    });
    if (end.kind === 'interrupted') return exitCodes.interrupted;
    const closed = (await store.readManifest()).runs.at(-1)?.outcome;
    if (!closed)
      throw new Error(
        `${store.batchId} was ended without a report; durabatch report ${store.batchId} writes one`,
      );
    await printFinished(store, closed, context, temporal);
    return exitCodes.succeeded;
  } finally {
    await temporal.close();
  }
}
