import { randomUUID } from 'node:crypto';
import { type WorkflowHandle, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure, type UpdateDefinition } from '@temporalio/common';
import { type Refusal, refusals } from '../../core/failure-types.ts';
import type { Progress } from '../../core/progress.ts';
import { abortableSleep } from '../../system/abortable-sleep.ts';
import { cancelNowUpdate, barrierSignal } from '../../workflows/messages.ts';
import { grpcErrorOf } from '../connect/grpc-error.ts';
import { UsageError } from '../usage-error.ts';
import { asTyped } from '../../system/typed-command.ts';
import { commandLine, idWord } from '../../core/command-line.ts';

const AGAIN_MS = 1000;
/** A worker that takes over has done the workflow task long before. */
const MAX_REFUSED_MS = 120_000;
const FAILED_PRECONDITION = 9;

/** The server has refused to pass an Update on for so long that waiting has no end. */
export class UpdateRefusedError extends Error {
  override readonly name = 'UpdateRefusedError';
}

export interface SendUpdateOptions {
  /** Ends the waiting: what is under way is given up, and {@link sendUpdate} throws its reason. */
  interrupt?: AbortSignal;
  /** Defaults to two minutes. */
  maxRefusedMs?: number;
}

/**
 * Sends an Update, as `send` does it, after a {@link barrierSignal}. The server takes none while a workflow task has
 * failed or timed out several times: it is sent again until the task is done, so it must have an id of its own.
 * Throws {@link UpdateRefusedError} after two minutes of refusals, and the reason of `interrupt` once that is aborted.
 */
export async function sendUpdate<T>(
  handle: WorkflowHandle,
  send: () => Promise<T>,
  { interrupt = new AbortController().signal, maxRefusedMs = MAX_REFUSED_MS }: SendUpdateOptions = {},
): Promise<T> {
  const work = async (): Promise<T> => {
    await handle.signal(barrierSignal);
    const endsAt = performance.now() + maxRefusedMs;
    for (;;) {
      try {
        return await send();
      } catch (error) {
        if (grpcErrorOf(error)?.code !== FAILED_PRECONDITION) throw error;
        if (performance.now() >= endsAt) throw refusedFor(handle, maxRefusedMs, error);
      }
      await abortableSleep(AGAIN_MS, interrupt);
      interrupt.throwIfAborted();
    }
  };
  try {
    interrupt.throwIfAborted();
    return await handle.client.withAbortSignal(heardLate(interrupt), work);
  } catch (error) {
    interrupt.throwIfAborted();
    throw error;
  }
}

/**
 * A signal that also ends calls which begin once it is aborted: the SDK (1.24) only listens for the abort, and never
 * looks whether it is over.
 */
const heardLate = (signal: AbortSignal): AbortSignal =>
  ({
    addEventListener: (_type: string, listener: () => void) =>
      signal.aborted ? queueMicrotask(listener) : signal.addEventListener('abort', listener, { once: true }),
  }) as unknown as AbortSignal;

const refusedFor = ({ workflowId }: WorkflowHandle, ms: number, cause: unknown): UpdateRefusedError =>
  new UpdateRefusedError(
    `the Temporal server has refused to deliver this to ${workflowId} for ${Math.round(ms / 1000)} s, because the batch's workflow tasks fail. ` +
      'End the commands and workers that work on it (another version of durabatch may be among them), type ' +
      `${asTyped(commandLine`durabatch resume ${idWord(workflowId)}`)}, and then repeat this command; its page in the Web UI shows the failure.`,
    { cause },
  );

/** What says that a batch is over, or as good as: nothing that is left to do could follow an Update. */
const OVER: readonly Refusal[] = [refusals.ended, refusals.ending, refusals.cancelling];

/**
 * Sends an Update to a batch that may be over by then, which is seen next, or have refused it for one of the reasons in
 * `orIf`: both are as good as done. So is an interrupt, which ends the command. Throws {@link UsageError} where the
 * batch refuses it for another reason.
 */
export async function updateUnlessOver<Args extends [unknown, ...unknown[]]>(
  handle: WorkflowHandle,
  update: UpdateDefinition<Progress, Args>,
  options: { args: Args; updateId: string },
  { interrupt, orIf = [] }: { interrupt: AbortSignal; orIf?: readonly Refusal[] },
): Promise<void> {
  try {
    await sendUpdate(handle, () => handle.executeUpdate(update, options), { interrupt });
  } catch (error) {
    if (interrupt.aborted || error instanceof WorkflowNotFoundError) return;
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    const refusal = refusalOf(error);
    if ([...OVER, ...orIf].some((type) => type === refusal)) return;
    const { message } = error.cause ?? error;
    throw new UsageError(`${handle.workflowId} refuses "${update.name}": ${message}`, { cause: error });
  }
}

/** The type of failure with which a batch has refused an Update; `undefined` where that is none of its own. */
export const refusalOf = ({ cause }: WorkflowUpdateFailedError): string | null | undefined =>
  cause instanceof ApplicationFailure ? cause.type : undefined;

/** Announces a cancel that shall not wait for the prompts in progress. */
export function cancelNow(handle: WorkflowHandle, options: SendUpdateOptions = {}): Promise<unknown> {
  const updateId = randomUUID();
  return sendUpdate(handle, () => handle.executeUpdate(cancelNowUpdate, { updateId }), options);
}
