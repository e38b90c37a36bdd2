import type { Client } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { abortableSleep } from '../../system/abortable-sleep.ts';

/**
 * Aborting a call that has not been sent yet has no effect (grpc-js 1.14): it would hold the process for the 20 s that
 * the server lets it wait.
 */
const LEAVES_WITHIN_MS = 100;

/** One long call to the server that ends when the batch closes: nobody waits for the next poll then. */
export interface CloseWatch {
  /** Sleeps `ms`, or until the batch closes or `interrupt` comes. */
  sleep(ms: number): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A call without an answer is asked again by the SDK every 20 s, and each time leaves a listener at the signal it was
 * made with (1.24): a long watch begins anew with another signal.
 */
const RENEWED_AFTER_MS = 60_000;

export function watchClose(
  client: Client,
  batchId: string,
  interrupt: AbortSignal,
  renewedAfterMs = RENEWED_AFTER_MS,
): CloseWatch {
  const given = new AbortController();
  const closed = new AbortController();
  let left = Promise.resolve();

  async function watch(): Promise<void> {
    let due: AbortSignal;
    do {
      due = AbortSignal.timeout(renewedAfterMs);
      const signal = AbortSignal.any([given.signal, due]);
      left = sleep(LEAVES_WITHIN_MS, undefined, { ref: false });
      try {
        await client.withAbortSignal(signal, () => client.workflow.getHandle(batchId).result());
      } catch {
        // However it has closed. Where the server cannot say it any more, polls go on as if nobody watched.
      }
    } while (due.aborted && !given.signal.aborted);
    closed.abort();
  }
  const ended = interrupt.aborted ? Promise.resolve() : watch();
  const either = AbortSignal.any([interrupt, closed.signal]);
  return {
    sleep: (ms) => abortableSleep(ms, closed.signal.aborted ? interrupt : either),
    stop: async () => {
      await Promise.race([left, ended]);
      given.abort();
      await ended;
    },
  };
}
