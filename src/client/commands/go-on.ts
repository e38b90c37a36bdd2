/** What `run` and `resume` do once the batch is known: server, worker, progress, last words. */
import type { BatchSettings } from '../../contract.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { type ContinueEnd, continueBatch, openBatch } from '../continue-batch.ts';
import { createProgressView } from '../render/progress-view.ts';
import { requireApiKey } from '../request-settings.ts';
import { connectTemporal, type Temporal } from '../temporal.ts';
import { type CommandContext, interruptSignal, outputTraits } from './context.ts';
import { printDetached, printEnd } from './last-words.ts';
import { logToFile } from './worker-log.ts';

interface GoOnOptions {
  store: BatchStore;
  settings: BatchSettings;
  /** Limits the user named, which a batch that runs already does not take. */
  typedLimits: Partial<BatchSettings['limits']>;
  liftPause: boolean;
  detach: boolean;
  context: CommandContext;
}

export async function goOn({
  store,
  settings,
  typedLimits,
  liftPause,
  detach,
  context,
}: GoOnOptions): Promise<number> {
  const { config, note } = context;
  if (!detach) requireApiKey(config, settings);
  logToFile(context);
  const temporal = await connectTemporal(config, note);
  try {
    const { limits } = settings;
    const attached = await openBatch({ config, temporal, store, limits, liftPause });
    if (attached && Object.keys(typedLimits).length > 0) {
      note('The batch is open already: it keeps the limits it was started with (such as --max-workers).');
    }
    if (detach) return printDetached(store, temporal, context);
    const webUi = temporal.webUiOf(store.batchId);
    note(`Batch ${store.batchId}${attached ? ' (going on)' : ''}${webUi ? ` · Web UI: ${webUi}` : ''}`);
    const end = await followWithView({ store, settings, liftPause, temporal, context });
    return await printEnd(store, end, temporal, context);
  } finally {
    await temporal.close();
  }
}

interface FollowOptions {
  store: BatchStore;
  settings: BatchSettings;
  liftPause: boolean;
  temporal: Temporal;
  context: CommandContext;
}

async function followWithView(options: FollowOptions): Promise<ContinueEnd> {
  const { store, settings, liftPause, temporal, context } = options;
  const { isTTY, color } = outputTraits();
  const view = createProgressView({
    stream: process.stdout,
    isTTY,
    color,
    json: context.json,
    batchId: store.batchId,
    simulated: settings.request.provider === 'simulated',
  });
  try {
    return await continueBatch({
      config: context.config,
      temporal,
      store,
      limits: settings.limits,
      liftPause,
      worker: true,
      onProgress: view.update,
      note: view.note,
      interrupt: interruptSignal(),
    });
  } finally {
    view.end();
  }
}
