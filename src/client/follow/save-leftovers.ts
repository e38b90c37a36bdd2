import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchStore } from '../../store/batch-store.ts';
import { messageOf } from '../../store/store-error.ts';

const RETRY_MS = 5000;

/**
 * A worker never leaves with paid answers that no disk has taken yet: for them room is waited for. Whatever else is
 * unsaved is tried once. To be called when the worker has stopped.
 */
export async function saveLeftovers(store: BatchStore, note: (line: string) => void): Promise<void> {
  for (;;) {
    try {
      await store.saveUnsaved();
      return;
    } catch (error) {
      const reason = messageOf(error);
      if (store.unsaved === 0) {
        note(
          `What became of some requests could not be saved: ${reason}. No answer is lost, but free ones stand as possibly paid.`,
        );
        return;
      }
      note(
        `${store.unsaved} paid answers are only in memory: ${reason}. ` +
          'Make room; this command does not end before they are saved.',
      );
    }
    await sleep(RETRY_MS);
  }
}
