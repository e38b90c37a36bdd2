/** Lets a workflow end whose run is over in the manifest: the process that noted the outcome died before the server heard of it. */
import { randomUUID } from 'node:crypto';
import type { Config } from '../../config.ts';
import { refusals } from '../../core/failure-types.ts';
import type { BatchOutcome } from '../../core/outcome.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { resumeUpdate } from '../../workflows/messages.ts';
import { requestedBy } from '../control/requested-by.ts';
import { finishedOutcome } from '../start/continue-batch.ts';
import { driveBatch } from './drive-batch.ts';
import { isOf, viewOf } from '../observe/server-view.ts';
import { updateUnlessOver } from '../control/send-update.ts';
import { connectTemporalIfRunning, type Temporal } from '../connect/temporal.ts';

/** As `finishedOutcome`; where there is one, the batch's workflow has ended too, if its server runs. Buys nothing. */
export async function closedOutcome(
  config: Config,
  store: BatchStore,
  note: (line: string) => void,
): Promise<BatchOutcome | null> {
  const outcome = await finishedOutcome(store);
  if (!outcome) return null;
  const temporal = await connectTemporalIfRunning(config).catch(() => null);
  if (!temporal) return outcome;
  try {
    const view = await viewOf(temporal, store.batchId);
    if (view.kind !== 'open' || !isOf(view, store)) return outcome;
    // A signal ends the command at once: nothing is in flight.
    const interrupt = new AbortController().signal;
    await driveBatch({
      ...{ config, temporal, store, note },
      interrupt,
      worker: 'idle',
      waitsForClose: true,
      quiet: true,
      onProgress: () => {},
      onReady: () => letEnd(temporal, store.batchId, interrupt),
    });
    return outcome;
  } finally {
    await temporal.close();
  }
}

/**
 * Lets a workflow end whose run is over, once a worker is on it: what could not be noted may have paused it, and nothing
 * is left to be bought.
 */
export async function letEnd(temporal: Temporal, batchId: string, interrupt: AbortSignal): Promise<void> {
  const handle = temporal.client.workflow.getHandle(batchId);
  await updateUnlessOver(
    handle,
    resumeUpdate,
    { args: [requestedBy('its run is over')], updateId: randomUUID() },
    { interrupt, orIf: [refusals.notPaused] },
  );
}
