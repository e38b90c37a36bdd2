import type { LimitChanges, Progress } from '../../contract.ts';
import { setUpdate } from '../../workflows/messages.ts';
import { statusOf } from '../batch-status.ts';
import { driveBatch } from '../drive-batch.ts';
import { locateBatch } from '../locate-batch.ts';
import { UsageError } from '../options/usage-error.ts';
import { nextStep } from '../render/next-steps.ts';
import { progressJson } from '../render/progress-json.ts';
import { statusJson, statusText } from '../render/status-text.ts';
import { assertPriced } from '../request-settings.ts';
import { hasLiveWorker, viewOf } from '../server-view.ts';
import { assertOurs } from '../start-run.ts';
import { connectTemporal } from '../temporal.ts';
import { type CommandContext, outputTraits } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { logToFile } from './worker-log.ts';

export interface SetOptions {
  outputDir?: string;
  changes: LimitChanges;
}

/** Changes limits of an open batch. Where no worker lives, one of our own carries the word and buys nothing. */
export async function setCommand(
  id: string,
  { outputDir, changes }: SetOptions,
  context: CommandContext,
): Promise<number> {
  const { config, json, note, print } = context;
  const store = await locateBatch(config, id, outputDir);
  const outcome = (await store.readManifest()).runs.at(-1)?.outcome;
  if (outcome) {
    throw new UsageError(`${store.batchId} is not running: it is ${outcome.state}. Nothing was set.`);
  }
  await assertPriced(store, changes);
  logToFile(context);
  const temporal = await connectTemporal(config, note);
  try {
    const view = await viewOf(temporal, store.batchId);
    assertOurs(view, store);
    if (view.kind !== 'open') {
      const { state, pause } = await statusOf(temporal, store);
      const { advice, command } = nextStep(state, pause, store.batchId);
      throw new UsageError(
        `${store.batchId} is not open on the Temporal server (${state}), so nothing was set. ${advice} ${command ?? ''}`,
      );
    }
    const alone = !(await hasLiveWorker(temporal, store));
    const done = new AbortController();
    let progress = null as Progress | null;
    await driveBatch({
      config,
      temporal,
      store,
      worker: alone ? 'idle' : 'none',
      onProgress: () => {},
      note,
      interrupt: done.signal,
      quiet: true,
      onReady: async () => {
        progress = await temporal.client.workflow
          .getHandle(store.batchId)
          .executeUpdate(setUpdate, { args: [changes] });
        done.abort();
      },
    });
    const status = await statusOf(temporal, store);
    const { paint, columns } = outputTraits();
    const told = progress && progressJson(progress, { batchId: store.batchId, simulated: status.simulated });
    print(
      json ? { ...statusJson(status), type: 'set', progress: told } : statusText(status, { paint, columns }),
    );
    if (alone)
      note(
        `No worker is on this batch: what was set holds from its next one. To go on: durabatch resume ${store.batchId}`,
      );
    return exitCodes.succeeded;
  } finally {
    await temporal.close();
  }
}
