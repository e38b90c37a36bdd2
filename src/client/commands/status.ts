import { setTimeout as sleep } from 'node:timers/promises';
import { statusOf } from '../batch-status.ts';
import { listRegistered } from '../batch-registry.ts';
import { batchIn, locateBatch, openStore } from '../locate-batch.ts';
import { DEFAULT_OUTPUT_DIR } from '../options/run-defaults.ts';
import { listText } from '../render/list-text.ts';
import { statusJson, statusText } from '../render/status-text.ts';
import { type BatchStore, listBatches } from '../../store/batch-store.ts';
import { driveBatch } from '../drive-batch.ts';
import { createProgressView } from '../render/progress-view.ts';
import { isOf, viewOf } from '../server-view.ts';
import { connectTemporalIfRunning } from '../temporal.ts';
import { type CommandContext, interruptSignal, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { printEnd, printFinished } from './run.ts';

export async function statusCommand(
  id: string,
  options: { outputDir?: string },
  context: CommandContext,
): Promise<number> {
  const store = await locateBatch(context.config, id, options.outputDir);
  const status = await statusOf(context.config, store);
  const { paint, columns } = outputTraits();
  context.print(context.json ? statusJson(status) : statusText(status, { paint, columns }));
  return exitCodes.succeeded;
}

/** Looks on until the batch stops; works on nothing and lifts nothing. */
export async function watchCommand(
  id: string,
  options: { outputDir?: string },
  context: CommandContext,
): Promise<number> {
  const { config, json, note } = context;
  const store = await locateBatch(config, id, options.outputDir);
  const interrupt = interruptSignal();
  const manifest = await store.readManifest();
  const { isTTY, color } = outputTraits();
  for (let told = false; !interrupt.aborted; told = true) {
    const temporal = await connectTemporalIfRunning(config);
    try {
      const seen = temporal && (await viewOf(temporal, store.batchId));
      if (temporal && seen?.kind === 'open' && isOf(seen, store)) {
        const simulated = manifest.settings.provider === 'simulated';
        const view = createProgressView({
          stream: process.stdout,
          isTTY,
          color,
          json,
          batchId: store.batchId,
          simulated,
        });
        const end = await driveBatch({
          config,
          temporal,
          store,
          worker: 'none',
          onProgress: view.update,
          note: view.note,
          interrupt,
        }).finally(() => view.end());
        if (end.kind === 'paused') return await printEnd(store, end, temporal, context);
        if (end.kind === 'closed') return await printOutcome(store, context);
        break;
      }
      if ((await store.readManifest()).runs.at(-1)?.outcome) return await printOutcome(store, context);
      if (!told)
        note(
          `Nobody works on this batch. To go on: durabatch resume ${store.batchId}. Waiting for that; Ctrl-C ends the waiting.`,
        );
    } finally {
      await temporal?.close();
    }
    await sleep(1000, undefined, { signal: interrupt }).catch(() => {
      // the loop's condition sees it
    });
  }
  return exitCodes.interrupted;
}

async function printOutcome(store: BatchStore, context: CommandContext): Promise<number> {
  const outcome = (await store.readManifest()).runs.at(-1)?.outcome;
  if (outcome) return printFinished(store, outcome, context);
  return statusCommand(store.batchId, { outputDir: store.location.outputDir }, context);
}

export async function listCommand(options: { outputDir?: string }, context: CommandContext): Promise<number> {
  const stores = await knownStores(options.outputDir, context);
  const statuses = [];
  for (const store of stores) statuses.push(await statusOf(context.config, store));
  statuses.sort((a, b) => b.startedAt.localeCompare(a.startedAt));
  if (context.json) for (const status of statuses) context.print(statusJson(status));
  else context.print(listText(statuses, Date.now()));
  return exitCodes.succeeded;
}

/** Those of the named folder; without one, those this machine remembers and those of the default folder. */
async function knownStores(outputDir: string | undefined, { config }: CommandContext): Promise<BatchStore[]> {
  const stores = new Map<string, BatchStore>();
  const add = (store: BatchStore | null): void => void (store && stores.set(store.folder, store));
  const folder = outputDir ?? DEFAULT_OUTPUT_DIR;
  for (const id of await listBatches(folder)) add(await batchIn(folder, id));
  if (outputDir === undefined) {
    for (const entry of await listRegistered(config.home)) add(openStore(entry, entry.batchId));
  }
  return [...stores.values()];
}
