import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { cancelNowUpdate, knockSignal } from '../workflows/messages.ts';
import { grpcErrorOf } from './grpc-error.ts';

const AGAIN_MS = 1000;
const FAILED_PRECONDITION = 9;

/**
 * Sends an Update, as `send` does it, after a {@link knockSignal}. The server takes none while a workflow task has
 * failed or timed out several times: it is sent again until the task is done, so it must have an id of its own.
 */
export async function tellBatch<T>(handle: WorkflowHandle, send: () => Promise<T>): Promise<T> {
  await handle.signal(knockSignal);
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (grpcErrorOf(error)?.code !== FAILED_PRECONDITION) throw error;
      await sleep(AGAIN_MS);
    }
  }
}

/** Announces a cancel that shall not wait for the prompts in progress. */
export function cancelNow(handle: WorkflowHandle): Promise<unknown> {
  const updateId = randomUUID();
  return tellBatch(handle, () => handle.executeUpdate(cancelNowUpdate, { updateId }));
}
