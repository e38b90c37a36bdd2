import type { Client } from '@temporalio/client';
import { sleepUnless } from '../sleep-unless.ts';

/** One long call to the server that ends when the batch closes: nobody waits for the next poll then. */
export interface CloseWatch {
  /** Sleeps `ms`, or until the batch closes or `interrupt` comes. */
  sleep(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export function watchClose(client: Client, batchId: string, interrupt: AbortSignal): CloseWatch {
  const given = new AbortController();
  const closed = new AbortController();
  // Once only: where the server cannot say it any more, polls go on as if nobody watched.
  const close = (): void => closed.abort();
  const ended = client
    .withAbortSignal(given.signal, () => client.workflow.getHandle(batchId).result())
    .then(close, close);
  const either = AbortSignal.any([interrupt, closed.signal]);
  return {
    sleep: (ms) => sleepUnless(ms, closed.signal.aborted ? interrupt : either),
    stop: () => {
      given.abort();
      return ended;
    },
  };
}
