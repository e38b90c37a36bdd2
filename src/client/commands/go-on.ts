/** What `run` and `resume` do once the batch is known: server, worker, progress, last words. */
import type { BatchSettings, LimitChanges } from '../../contract.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { type ContinueEnd, type ContinueOptions, continueBatch, openBatch } from '../continue-batch.ts';
import { createProgressView } from '../render/progress-view.ts';
import { requireApiKey } from '../request-settings.ts';
import type { StartOptions } from '../start-run.ts';
import { takeOver } from '../take-over.ts';
import { connectTemporal } from '../temporal.ts';
import { withServer } from '../with-server.ts';
import { type CommandContext, interruptSignal, outputStream, outputTraits } from './context.ts';
import { printDetached, printEnd } from './last-words.ts';
import { logToFile } from './worker-log.ts';

interface GoOnOptions {
  store: BatchStore;
  settings: BatchSettings;
  /** Limits the user named, most of which a batch that is open already does not take. */
  typedLimits: Partial<BatchSettings['limits']>;
  liftPause: boolean;
  detach: boolean;
  /** Earlier batches whose answers are taken over, besides those the manifest notes. */
  reuse?: string[];
  prepare?: StartOptions['prepare'];
  context: CommandContext;
}

export async function goOn(options: GoOnOptions): Promise<number> {
  const { store, settings, typedLimits, liftPause, detach, reuse = [], context } = options;
  const { config, note } = context;
  if (!detach) requireApiKey(config, settings);
  logToFile(context);
  const temporal = await connectTemporal(config, note);
  try {
    const prepare = async (run: number): Promise<void> => {
      await takeOver(config, store, reuse, note);
      await options.prepare?.(run);
    };
    const start: StartOptions = { config, temporal, store, limits: settings.limits, liftPause, prepare };
    const attached = await withServer({ config, temporal, note }, () => openBatch(start));
    const kept = Object.keys(typedLimits).filter(
      (name) => !liftPause || !(name in (changesIn(typedLimits) ?? {})),
    );
    if (attached && kept.length > 0) {
      note(
        `The batch is open already: it keeps the limits it was started with. "durabatch set ${store.batchId}" changes those of a running batch.`,
      );
    }
    if (attached && reuse.length > 0) {
      note('The batch is open already: --reuse comes too late for this run; what is missing is bought.');
    }
    if (detach) return printDetached(store, temporal, context);
    const webUi = temporal.webUiOf(store.batchId);
    note(`Batch ${store.batchId}${attached ? ' (going on)' : ''}${webUi ? ` · Web UI: ${webUi}` : ''}`);
    const simulated = settings.request.provider === 'simulated';
    const changes = attached && liftPause ? changesIn(typedLimits) : undefined;
    const end = await followWithView({ ...start, ...(changes && { changes }) }, simulated, context);
    return await printEnd(store, end, temporal, context);
  } finally {
    await temporal.close();
  }
}

async function followWithView(
  start: StartOptions & Pick<ContinueOptions, 'changes'>,
  simulated: boolean,
  context: CommandContext,
): Promise<ContinueEnd> {
  const { isTTY, color } = outputTraits();
  const view = createProgressView({
    stream: outputStream(context),
    isTTY,
    color,
    json: context.json,
    batchId: start.store.batchId,
    simulated,
  });
  try {
    return await continueBatch({
      ...start,
      worker: true,
      onProgress: view.update,
      note: view.note,
      interrupt: interruptSignal(),
    });
  } finally {
    view.end();
  }
}

/** Those of the limits that an open batch takes too. */
function changesIn({
  maxCostNanoUsd,
  maxFailures,
}: Partial<BatchSettings['limits']>): LimitChanges | undefined {
  if (maxCostNanoUsd === undefined && maxFailures === undefined) return undefined;
  return {
    ...(maxCostNanoUsd !== undefined && { maxCostNanoUsd }),
    ...(maxFailures !== undefined && { maxFailures }),
  };
}
