import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import type { Progress } from '../contract.ts';
import { UsageError } from './options/usage-error.ts';
import type { Temporal } from './temporal.ts';

/** A worker that lives answers in milliseconds. */
const SILENCE_MS = 5000;

/**
 * An Update, with an id of its own: the server carries it out once, however often it is sent. A refusal becomes a
 * `UsageError`. Who waits for a worker that does not answer is told so.
 */
export function createUpdate<Args extends [unknown, ...unknown[]]>(
  { client }: Temporal,
  batchId: string,
  update: UpdateDefinition<Progress, Args>,
  args: Args,
  note: (line: string) => void,
): () => Promise<Progress> {
  const updateId = randomUUID();
  const send = async (): Promise<Progress> => {
    const silence = setTimeout(() => {
      note(
        'No worker has answered yet: what you asked for is done as soon as one does. Ctrl-C ends the waiting, and takes it back if no worker has seen it.',
      );
    }, SILENCE_MS);
    try {
      const handle = client.workflow.getHandle(batchId);
      return await handle.executeUpdate(update, { args, updateId });
    } finally {
      clearTimeout(silence);
    }
  };
  return async () => {
    try {
      return await send();
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError)
        throw new UsageError(`${batchId}: ${error.cause?.message ?? error.message}`, { cause: error });
      if (error instanceof WorkflowNotFoundError)
        throw new UsageError(`${batchId} has just ended`, { cause: error });
      throw error;
    }
  };
}
