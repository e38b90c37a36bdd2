import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError, WorkflowUpdateFailedError, WorkflowUpdateStage } from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import type { Progress } from '../../core/progress.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { UsageError } from '../usage-error.ts';
import { sendUpdate } from './send-update.ts';
import type { Temporal } from '../connect/temporal.ts';
import { commandLine, idWord } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';

export interface OperatorUpdateOptions<Args extends [unknown, ...unknown[]]> {
  temporal: Temporal;
  batchId: string;
  update: UpdateDefinition<Progress, Args>;
  args: Args;
  /** Whether the batch must have noted in its store what it was told, or only have accepted it. */
  until: 'noted' | 'accepted';
  note(line: string): void;
  /** How long a worker may take to answer. Defaults to three minutes. */
  maxSilenceMs?: number;
}

/** An Update was sent, and no worker has answered: it may or may not be carried out. */
export class UpdateUnansweredError extends Error {
  override readonly name = 'UpdateUnansweredError';
}

/** A worker that lives answers in milliseconds. */
const SILENCE_MS = 5000;
/** Longer than it takes another worker to take over, and longer than `sendUpdate` puts up with refusals. */
const MAX_SILENCE_MS = 180_000;
/** As long as what was accepted has to be noted before that is left to another worker. */
const NOTING_MS = 1000;

/**
 * Returns a function that sends an Update with an id of its own: it is carried out once, however often it is sent. A refusal
 * becomes a `UsageError`. If no worker answers, a note says so, and in the end an {@link UpdateUnansweredError} is thrown.
 */
export function createOperatorUpdate<Args extends [unknown, ...unknown[]]>({
  temporal: { client },
  batchId,
  update,
  args,
  until,
  note,
  maxSilenceMs = MAX_SILENCE_MS,
}: OperatorUpdateOptions<Args>): () => Promise<Progress> {
  const updateId = randomUUID();
  const workflow = client.workflow.getHandle(batchId);

  const sendUntilAccepted = async (interrupt: AbortSignal): Promise<Progress> => {
    const waitForStage = WorkflowUpdateStage.ACCEPTED;
    const handle = await sendUpdate(
      workflow,
      () => workflow.startUpdate(update, { args, updateId, waitForStage }),
      { interrupt },
    );
    // What still asks for the result would keep this process until the server answers.
    const enough = new AbortController();
    const noted = client.withAbortSignal(enough.signal, () => handle.result());
    noted.catch(() => {
      // after the race nobody waits for it
    });
    try {
      return await Promise.race([noted, sleep(NOTING_MS).then(() => workflow.query(progressQuery))]);
    } finally {
      enough.abort();
    }
  };

  return async () => {
    const silence = setTimeout(() => {
      note(
        'No worker has answered yet: what you asked for is done as soon as one does. Ctrl-C ends the waiting; if no worker has seen it by then, it is as if it was never asked for.',
      );
    }, SILENCE_MS);
    const unanswered = new AbortController();
    const { signal: interrupt } = unanswered;
    // Each try listens to it.
    setMaxListeners(0, interrupt);
    const end = setTimeout(() => unanswered.abort(unansweredBy(batchId, maxSilenceMs)), maxSilenceMs);
    try {
      if (until === 'accepted') return await sendUntilAccepted(interrupt);
      return await sendUpdate(workflow, () => workflow.executeUpdate(update, { args, updateId }), {
        interrupt,
      });
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError)
        throw new UsageError(`${batchId}: ${error.cause?.message ?? error.message}`, { cause: error });
      if (error instanceof WorkflowNotFoundError)
        throw new UsageError(`${batchId} has just ended`, { cause: error });
      throw error;
    } finally {
      clearTimeout(silence);
      clearTimeout(end);
    }
  };
}

const unansweredBy = (batchId: string, ms: number): UpdateUnansweredError =>
  new UpdateUnansweredError(
    `no worker of ${batchId} has answered within ${Math.round(ms / 1000)} s. What you asked for was sent, and may still be done ` +
      `when one answers: ${asTyped(commandLine`durabatch status ${idWord(batchId)}`)} shows whether it was.`,
  );
