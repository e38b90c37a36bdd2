import { randomUUID } from 'node:crypto';
import { appendControl } from '../../store/controls-log.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { requestedBy } from './requested-by.ts';
import { statusOf } from '../observe/batch-status.ts';
import type { CommandContext } from '../commands/context.ts';
import { logToFile } from '../commands/worker-log.ts';
import { driveBatch, type DriveOptions } from '../follow/drive-batch.ts';
import { UsageError } from '../usage-error.ts';
import type { ReachedBatch, UpdateResult } from './reached-batch.ts';
import { nextStep } from '../../core/next-steps.ts';
import { createOperatorUpdate } from './operator-update.ts';
import { hasLiveWorker, viewOf } from '../observe/server-view.ts';
import { assertOurs } from '../start/start-run.ts';
import { cancelNow } from './send-update.ts';
import { connectTemporal, connectTemporalIfRunning, type Temporal } from '../connect/temporal.ts';
import { unlessClosed } from './unless-closed.ts';
import { commandLine, idWord } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

/** A batch whose folder is here. Where no worker lives, one of our own carries the word and buys nothing. */
export function createFolderBatch(store: BatchStore, context: CommandContext): ReachedBatch {
  const { batchId } = store;
  const { config, note } = context;
  let connected: Temporal | null = null;

  const newestOutcome = async (): Promise<Manifest['runs'][number]['outcome']> =>
    (await store.readManifest()).runs.at(-1)?.outcome;

  /** Connects to the server on which the batch is open. Throws `UsageError` where it is open nowhere. */
  async function open(): Promise<Temporal> {
    const outcome = await newestOutcome();
    if (outcome)
      throw new UsageError(
        `${batchId} is not running (state: ${outcome.state}), so nothing was changed. Its results are in ${outcome.resultsFile}`,
      );
    logToFile(context);
    const temporal = (connected ??= await connectTemporal(config, note));
    const view = await viewOf(temporal, batchId);
    assertOurs(view, store);
    if (view.kind === 'open') return temporal;
    const { state, pause, limits } = await statusOf(temporal, store);
    const { advice, command } = nextStep(state, pause, batchId, limits?.maxCostNanoUsd);
    throw new UsageError(
      `${batchId} is not open on the Temporal server (${state}), so nothing was changed. ${advice} ${command === null ? '' : asTyped(command)}`.trimEnd(),
    );
  }

  const driven = (temporal: Temporal, alone: boolean): Omit<DriveOptions, 'interrupt'> => ({
    ...{ config, temporal, store, note },
    worker: alone ? 'idle' : 'none',
    onProgress: () => {},
  });

  return {
    batchId,
    store,
    get temporal() {
      return connected;
    },
    status: async () => {
      connected ??= await connectTemporalIfRunning(config).catch(() => null);
      return statusOf(connected, store);
    },
    tell: async (update, args) => {
      const temporal = await open();
      const alone = !(await hasLiveWorker(temporal, store));
      const send = createOperatorUpdate({ temporal, batchId, update, args, until: 'noted', note });
      const told = new AbortController();
      const answers: UpdateResult[] = [];
      await driveBatch({
        ...driven(temporal, alone),
        interrupt: told.signal,
        quiet: true,
        onReady: async () => {
          answers.push({ progress: await send(), alone });
          told.abort();
        },
      });
      return answers[0]!;
    },
    cancel: async ({ now, interrupt }) => {
      const temporal = await open();
      const alone = !(await hasLiveWorker(temporal, store));
      const handle = temporal.client.workflow.getHandle(batchId);
      const control = { id: randomUUID(), at: new Date().toISOString(), ...requestedBy(null) };
      const end = await driveBatch({
        ...driven(temporal, alone),
        waitsForClose: true,
        interrupt,
        onReady: async () => {
          // Without a worker nothing is in progress that could finish.
          try {
            await unlessClosed(async () => {
              if (now || alone) await cancelNow(handle, { interrupt });
              await handle.cancel();
            });
          } catch (error) {
            if (interrupt.aborted) return;
            throw error;
          }
          await appendControl(store.folder, { ...control, control: 'cancel' });
          note(
            now || alone
              ? 'Cancelling.'
              : 'Cancelling: prompts in progress get a minute to finish (--now: they do not).',
          );
        },
      });
      if (end.kind === 'interrupted') return end;
      const outcome = await newestOutcome();
      if (!outcome)
        throw new Error(
          `${batchId} was ended without a report; ${asTyped(commandLine`durabatch report ${idWord(batchId)}`)} writes one`,
        );
      return { kind: 'closed', outcome };
    },
    close: async () => connected?.close(),
  };
}
