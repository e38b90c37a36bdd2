/** What is saved before this process ends unexpectedly. */
import type { BatchStore } from '../../store/batch-store.ts';
import { saveLeftovers } from './save-leftovers.ts';

export interface PaidWork {
  store: BatchStore;
  /** Starts nothing more. */
  stop(): Promise<void>;
  note(line: string): void;
}

const paidWork = new Set<PaidWork>();

/** Registers `work`, so that what it holds in memory is saved at an unexpected end of the process. Returns a function that unregisters it. */
export function saveAtUnexpectedEnd(work: PaidWork): () => void {
  paidWork.add(work);
  return () => void paidWork.delete(work);
}

/**
 * Writes every answer that has come back: those that wait for room on a disk are waited for, as at any other end. Requests in
 * flight are not, since nobody knows what still works.
 */
export async function savePaidWork(): Promise<void> {
  // One that cannot be saved does not keep the others from it.
  await Promise.allSettled(
    [...paidWork].map(async ({ store, stop, note }) => {
      stop().catch(() => {
        // a worker that cannot stop ends with the process
      });
      await saveLeftovers(store, note);
      await store.close();
    }),
  );
}
