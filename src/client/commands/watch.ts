import type { Config } from '../../config.ts';
import type { BatchState } from '../../core/progress.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { StoreError } from '../../store/store-error.ts';
import { progressAtEnd } from '../start/continue-batch.ts';
import { batchesOnServer, knownStores } from '../find/known-batches.ts';
import { findStore, locateBatch } from '../find/locate-batch.ts';
import { findRemoteBatch, listingOf, type RemoteListing } from '../observe/remote-batch.ts';
import { createProgressBoard } from '../render/progress/progress-board.ts';
import type { ProgressView } from '../render/progress/progress-view.ts';
import { connectTemporalIfRunning, type Temporal } from '../connect/temporal.ts';
import { type WatchEnd, type WatchOptions, watchRemote, watchStore } from '../observe/watch-batch.ts';
import {
  type CommandContext,
  endWithReader,
  interruptSignal,
  outputStream,
  outputTraits,
} from './context.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { printFinished, printPaused } from './print-end.ts';
import { printStatus } from './print-status.ts';
import { commandLine } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

interface Watched {
  batchId: string;
  simulated: boolean;
  /** `null`: its folder is not here. */
  store: BatchStore | null;
  watch(options: WatchOptions): Promise<WatchEnd>;
}

/**
 * Looks on at the named batches, or at all that are open, until each has stopped; works on none and lifts nothing.
 * Of several batches the exit code is that of the one that ended worst.
 */
export async function watchCommand(
  ids: readonly string[],
  { outputDir }: { outputDir?: string },
  context: CommandContext,
): Promise<number> {
  const { config, json, note } = context;
  const temporal = await connectTemporalIfRunning(config).catch((error: unknown) => {
    if (ids.length === 0) throw error;
    return null;
  });
  try {
    const batches =
      ids.length > 0
        ? await namedBatches(ids, outputDir, config, temporal)
        : await openBatches(outputDir, context, temporal);
    if (batches.length === 0) {
      note(`No batch is open. To see all batches: ${asTyped(commandLine`durabatch list`)}`);
      return exitCodes.succeeded;
    }
    const interrupt = interruptSignal();
    endWithReader();
    const { isTTY, color } = outputTraits();
    const views = createProgressBoard(batches, { stream: outputStream(), isTTY, color, json });
    const ends = await Promise.all(
      batches.map((batch, at) => seen(batch, { config, interrupt, view: views[at]! }, views[at]!)),
    );
    for (const view of views) view.end();
    const codes: number[] = [];
    for (const [at, end] of ends.entries()) codes.push(await printStop(batches[at]!, end, temporal, context));
    return worstOf(codes);
  } finally {
    await temporal?.close();
  }
}

/** The display stays until all have stopped; what one of them fails with must not take it from the others. */
async function seen(batch: Watched, options: WatchOptions, view: ProgressView): Promise<WatchEnd> {
  const end = await batch.watch(options);
  if (end.kind === 'paused') view.update(end.progress);
  if (end.kind === 'finished') view.update(progressAtEnd(end.outcome, 0));
  return end;
}

async function namedBatches(
  ids: readonly string[],
  outputDir: string | undefined,
  config: Config,
  temporal: Temporal | null,
): Promise<Watched[]> {
  const batches = new Map<string, Watched>();
  for (const id of ids) {
    const store = await findStore(config, id, outputDir);
    const view = store || !temporal ? null : await findRemoteBatch(temporal, id);
    const batch = store
      ? await watchedStore(store)
      : view && temporal
        ? watchedRemote(temporal, listingOf(id, view))
        : // It is nowhere: this says so.
          await watchedStore(await locateBatch(config, id, outputDir));
    batches.set(batch.batchId, batch);
  }
  return [...batches.values()];
}

async function openBatches(
  outputDir: string | undefined,
  { config, note }: CommandContext,
  temporal: Temporal | null,
): Promise<Watched[]> {
  if (!temporal) return [];
  const stores = await knownStores(config, outputDir);
  const { ours, others } = await batchesOnServer(temporal, stores, { openOnly: true });
  const batches: Watched[] = [];
  for (const store of ours.keys()) {
    try {
      batches.push(await watchedStore(store));
    } catch (error) {
      // It must not hide the others.
      if (!(error instanceof StoreError)) throw error;
      note(`${store.batchId} is not watched: ${error.message}`);
    }
  }
  // Who names a folder means the batches of that folder.
  if (outputDir === undefined) batches.push(...others.map((listing) => watchedRemote(temporal, listing)));
  return batches.sort((a, b) => (a.batchId < b.batchId ? -1 : 1));
}

async function watchedStore(store: BatchStore): Promise<Watched> {
  const { settings } = await store.readManifest();
  return {
    ...{ batchId: store.batchId, store, simulated: settings.provider === 'simulated' },
    watch: (options) => watchStore(store, options),
  };
}

const watchedRemote = (temporal: Temporal, listing: RemoteListing): Watched => ({
  ...{ batchId: listing.batchId, store: null, simulated: listing.memo.simulated ?? false },
  watch: (options) => watchRemote(temporal, listing, options),
});

/** Says how a batch stopped; answers the exit code that goes with it. */
async function printStop(
  { store }: Watched,
  end: WatchEnd,
  temporal: Temporal | null,
  context: CommandContext,
): Promise<number> {
  switch (end.kind) {
    case 'interrupted':
      return exitCodes.interrupted;
    case 'finished':
      return printFinished(store!, end.outcome, context, temporal);
    case 'paused':
      return printPaused(store!, end.progress, context, temporal);
    default:
      printStatus(end.status, context);
      return codeOf(end.status.state);
  }
}

const codeOf = (state: BatchState): number => {
  if (state === 'paused') return exitCodes.paused;
  const isFinal = state === 'succeeded' || state === 'partly_failed' || state === 'cancelled';
  return isFinal ? exitCodeOf(state) : exitCodes.unexpected;
};

const worstFirst = [
  exitCodes.interrupted,
  exitCodes.unexpected,
  exitCodes.paused,
  exitCodes.cancelled,
  exitCodes.partlyFailed,
];

const worstOf = (codes: readonly number[]): number =>
  worstFirst.find((code) => codes.includes(code)) ?? exitCodes.succeeded;
