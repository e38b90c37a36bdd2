import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchStore } from '../../store/batch-store.ts';
import { driveBatch } from '../drive-batch.ts';
import { locateBatch } from '../locate-batch.ts';
import { createProgressView } from '../render/progress-view.ts';
import { isOf, viewOf } from '../server-view.ts';
import { connectTemporalIfRunning } from '../temporal.ts';
import { type CommandContext, interruptSignal, outputStream, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { printEnd, printFinished } from './last-words.ts';
import { statusCommand } from './status.ts';

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
          stream: outputStream(context),
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
