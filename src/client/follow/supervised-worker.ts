import type { BatchStore } from '../../store/batch-store.ts';
import { LedgerWriteError } from '../../store/ledger/ledger-writer.ts';
import { messageOf } from '../../store/store-error.ts';
import type { BatchWorker } from '../../worker/batch-worker.ts';
import { saveLeftovers } from './save-leftovers.ts';
import { saveAtUnexpectedEnd } from './unexpected-end.ts';

/** A worker on one batch, with the store it works with: it is not gone before what it has paid for is on disk. */
export interface SupervisedWorker {
  /** Sent and not answered yet. */
  readonly requestsInFlight: number;
  /** It was told to leave. */
  readonly isLeaving: boolean;
  /** Resolves when the worker has stopped, for whatever reason, its answers are saved and its store is closed. Never rejects. */
  readonly gone: Promise<void>;
  /** Writes what a full disk left in memory, if there is room by now: whoever gets the prompt next finds it. */
  save(): Promise<void>;
  /** Ends after the requests in flight; resolves as {@link gone} does. */
  leave(): Promise<void>;
}

/** `note` is told why a worker has failed, and what it waits for. */
export function superviseWorker(
  worker: BatchWorker,
  store: BatchStore,
  note: (line: string) => void,
): SupervisedWorker {
  let isLeaving = false;
  const isSaved = saveAtUnexpectedEnd({ store, note, stop: () => worker.stop() });
  const gone = seeOff(worker, store, note).then(isSaved);
  return {
    get requestsInFlight() {
      return worker.requestsInFlight;
    },
    get isLeaving() {
      return isLeaving;
    },
    gone,
    save: () =>
      store.saveUnsaved().catch((error: unknown) => {
        // Still no room: the pause of the batch tells that.
        if (!(error instanceof LedgerWriteError)) throw error;
      }),
    leave: async () => {
      isLeaving = true;
      await worker.stop();
      await gone;
    },
  };
}

async function seeOff(worker: BatchWorker, store: BatchStore, note: (line: string) => void): Promise<void> {
  try {
    await worker.stopped;
  } catch (error) {
    note(`the worker failed: ${messageOf(error)}`);
  }
  // Of a request that outlives its attempt the answer is kept too.
  await worker.stop();
  await saveLeftovers(store, note);
  try {
    await store.close();
  } catch (error) {
    note(`its ledger files could not be closed: ${messageOf(error)}`);
  }
  await worker.leave().catch((error: unknown) => note(unsaidNote(error)));
}

/** Message of a worker that could not record in the store that it ended. */
export const unsaidNote = (error: unknown): string =>
  `Could not record in the batch folder that this worker ended cleanly: ${messageOf(error)}. Other workers will wait half a minute for it.`;
