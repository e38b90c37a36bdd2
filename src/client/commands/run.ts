import { basename } from 'node:path';
import { type ContinueEnd, continueBatch, finishedOutcome, openBatch } from '../continue-batch.ts';
import { batchSummary } from '../batch-summary.ts';
import { createBatch } from '../create-batch.ts';
import { readPromptFile } from '../input/read-prompt-file.ts';
import { type RunOptions } from '../options/run-options.ts';
import { requireApiKey, resolveSettings } from '../request-settings.ts';
import type { BatchOutcome, BatchSettings } from '../../contract.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { createProgressView } from '../render/progress-view.ts';
import { summaryJson, summaryText } from '../render/summary-text.ts';
import { viewOf } from '../server-view.ts';
import { connectTemporal, type Temporal } from '../temporal.ts';
import { type CommandContext, interruptSignal, logToFile, outputTraits } from './context.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';

export async function runCommand(
  file: string,
  options: RunOptions,
  context: CommandContext,
): Promise<number> {
  const { config, note } = context;
  const settings = resolveSettings(options);
  const { store, manifest, created } = await createBatch(config, {
    read: (sink) => readPromptFile(file, sink),
    file: basename(file),
    settings,
    outputDir: options.outputDir,
    id: options.id,
    fresh: options.new,
    beforeCommit: () => (options.detach ? undefined : requireApiKey(config, settings)),
  });
  if (!created && options.outputDirTyped && !store.isIn(options.outputDir)) {
    note(`This batch lives in ${store.location.outputDir}, and goes on there.`);
  }
  const outcome = await finishedOutcome(store);
  if (outcome) return printFinished(store, outcome, context);
  return goOn({
    store,
    settings: { request: manifest.settings, limits: settings.limits },
    typedLimits: options.typedLimits,
    liftPause: false,
    detach: options.detach,
    context,
  });
}

interface GoOnOptions {
  store: BatchStore;
  settings: BatchSettings;
  /** Limits the user named, which a batch that runs already does not take. */
  typedLimits: Partial<BatchSettings['limits']>;
  liftPause: boolean;
  detach: boolean;
  context: CommandContext;
}

/** Everything after the batch is known: server, worker, progress, and the last words. */
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
    const end = await followWithView({ store, settings, liftPause, temporal, context, worker: true });
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
  worker: boolean;
}

export async function followWithView(options: FollowOptions): Promise<ContinueEnd> {
  const { store, settings, liftPause, temporal, context, worker } = options;
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
      worker,
      onProgress: view.update,
      note: view.note,
      interrupt: interruptSignal(),
    });
  } finally {
    view.end();
  }
}

export async function printEnd(
  store: BatchStore,
  end: ContinueEnd,
  temporal: Temporal,
  context: CommandContext,
): Promise<number> {
  switch (end.kind) {
    case 'finished':
      return printFinished(store, end.outcome, context, temporal);
    case 'paused':
      await printSummary(store, { progress: end.progress }, context, temporal);
      return exitCodes.paused;
    case 'interrupted': {
      const command = `durabatch resume ${store.batchId}`;
      if (context.json)
        context.print({ type: 'interrupted', batch_id: store.batchId, next_step: { command } });
      else context.print(`Stopped. Every answer that came back is kept. To go on:\n  ${command}`);
      return exitCodes.interrupted;
    }
    default:
      throw new Error(
        `the batch was ended from outside (${end.how.toLowerCase()}), so there is no report of this run. ` +
          `Every answer that came back is kept; to go on: durabatch resume ${store.batchId}`,
      );
  }
}

export async function printFinished(
  store: BatchStore,
  outcome: BatchOutcome,
  context: CommandContext,
  temporal: Temporal | null = null,
): Promise<number> {
  await printSummary(store, { outcome }, context, temporal);
  return exitCodeOf(outcome.state);
}

async function printSummary(
  store: BatchStore,
  end: Parameters<typeof batchSummary>[1],
  { json, print }: CommandContext,
  temporal: Temporal | null,
): Promise<void> {
  const view = temporal && (await viewOf(temporal, store.batchId));
  const runId = view && view.kind !== 'absent' ? view.runId : undefined;
  const summary = await batchSummary(store, end, temporal, runId);
  const { paint, columns } = outputTraits();
  print(json ? summaryJson(summary) : `\n${summaryText(summary, { paint, columns })}`);
}

async function printDetached(
  store: BatchStore,
  temporal: Temporal,
  { json, print }: CommandContext,
): Promise<number> {
  const webUi = temporal.webUiOf(store.batchId);
  const worker = `durabatch worker --output-dir ${JSON.stringify(store.location.outputDir)}`;
  if (json) {
    print({
      type: 'started',
      batch_id: store.batchId,
      output_dir: store.location.outputDir,
      web_ui: webUi,
      next_step: { command: worker },
    });
  } else {
    print(
      [
        `Batch ${store.batchId} is started. Its work is done by a worker; where none runs yet:`,
        `  ${worker}`,
        `To look on:  durabatch watch ${store.batchId}`,
        ...(webUi ? [`Web UI:      ${webUi}`] : []),
      ].join('\n'),
    );
  }
  return exitCodes.succeeded;
}
