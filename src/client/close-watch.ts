import type { Client } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { sleepUnless } from '../sleep-unless.ts';

/**
 * A call that is given up before it has left is not given up at all (grpc-js 1.14): it would hold the process for the
 * 20 s that the server lets it wait.
 */
const LEAVES_WITHIN_MS = 100;

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
  const watch = (): Promise<unknown> =>
    client.withAbortSignal(given.signal, () => client.workflow.getHandle(batchId).result());
  const ended = interrupt.aborted ? Promise.resolve() : watch().then(close, close);
  const left = sleep(LEAVES_WITHIN_MS, undefined, { ref: false });
  const either = AbortSignal.any([interrupt, closed.signal]);
  return {
    sleep: (ms) => sleepUnless(ms, closed.signal.aborted ? interrupt : either),
    stop: async () => {
      await Promise.race([left, ended]);
      given.abort();
      await ended;
    },
  };
}
