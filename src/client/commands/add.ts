import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Addition } from '../../core/batch-layout.ts';
import { AdditionOvertaken, discardStage } from '../../store/additions.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { addUpdate } from '../../workflows/messages.ts';
import { requestedBy } from '../control/requested-by.ts';
import { destinationOf } from '../../providers/destination.ts';
import { approve } from '../trust/approvals.ts';
import { registerBatch } from '../find/batch-registry.ts';
import { finishedOutcome } from '../start/continue-batch.ts';
import { refusalOf } from '../control/send-update.ts';
import { UsageError } from '../usage-error.ts';
import { type ReachedBatch, reachBatch } from '../control/reached-batch.ts';
import { plural } from '../render/number-text.ts';
import { requireApiKey } from '../start/request-settings.ts';
import { type StagedPrompts, stagePrompts } from '../start/stage-prompts.ts';
import { viewOf } from '../observe/server-view.ts';
import { assertOurs, startRun } from '../start/start-run.ts';
import { defaultReuse, reuseEarlierAnswers, reusedText } from '../reuse/reuse-earlier-answers.ts';
import { connectTemporal } from '../connect/temporal.ts';
import { confirmDestination } from '../trust/confirm-destination.ts';
import type { CommandContext } from './context.ts';
import { followRun } from './follow-run.ts';
import { exitCodes } from './exit-codes.ts';
import { printFinished } from './print-end.ts';
import { printUpdateResult } from './print-update-result.ts';
import { commandLine, idWord } from '../../core/command-line.ts';
import { asTyped } from '../../system/typed-command.ts';
import { failureTypes, refusals } from '../../core/failure-types.ts';

export interface AddOptions {
  outputDir?: string;
  /** Confirms where the batch sends its prompts, and with which key. */
  typedBaseUrl?: string;
  typedLimits?: { apiKeyEnv?: string };
  reason: string | null;
  /** Leaves the work on a closed batch to a worker. */
  detach: boolean;
}

/** How often prompts are checked again, since others have added some meanwhile. */
const MAX_TRIES = 5;
/** How long a batch that is just ending may take to write its report. */
const ENDING_TRIES = 120;
const ENDING_MS = 500;

/** More prompts for a batch: an open one takes them while it runs, one that is finished starts a new run. */
export async function addCommand(
  id: string,
  file: string,
  options: AddOptions,
  context: CommandContext,
): Promise<number> {
  const batch = await reachBatch(id, options.outputDir, context);
  try {
    const { store } = batch;
    if (!store) {
      const { outputDir, folderHost } = await batch.status();
      throw new UsageError(
        `add needs the folder of ${batch.batchId}, which is ${outputDir} on ${folderHost}: type it there. Nothing was added.`,
      );
    }
    await confirmDestination(store, await store.readManifest(), { command: 'add', ...options }, context);
    await registerBatch(context.config.home, store.location, store.batchId);
    return await addTo(batch, store, file, options, context);
  } finally {
    await batch.close();
  }
}

async function addTo(
  batch: ReachedBatch,
  store: BatchStore,
  file: string,
  options: AddOptions,
  context: CommandContext,
): Promise<number> {
  for (let tries = 1; ; tries++) {
    await assertNotCancelled(batch);
    const staged = await stagePrompts(context.config, store, file, context.note);
    if (tries === 1) for (const line of staged.notes ?? []) context.note(line);
    try {
      return await addStaged(batch, store, staged, options, context);
    } catch (error) {
      // Whoever may still take them in must find them: only a refusal says that nobody will.
      if (isOvertaken(error) || updateFailure(error)) await discardStage(store, staged.stage);
      if (!isOvertaken(error) || tries === MAX_TRIES) throw error;
    }
  }
}

async function addStaged(
  batch: ReachedBatch,
  store: BatchStore,
  staged: StagedPrompts,
  { reason, detach, typedLimits = {} }: AddOptions,
  context: CommandContext,
): Promise<number> {
  const { config, note } = context;
  const { batchId } = store;
  if (staged.known === 'begun')
    throw new UsageError(`${batchId} was made from these very prompts. Nothing was added.`);
  if (staged.known === 'added') note('These prompts were added before; none is added twice.');
  const { settings: request, limits } = await store.readManifest();
  // Before a worker of this user can take them in, which checks the approval.
  if (staged.digest !== null) {
    const { apiKeyEnv = limits.apiKeyEnv } = typedLimits;
    const destination = destinationOf(request, { apiKeyEnv });
    await approve(config.home, store, destination, { prompts: [staged.digest], spending: limits });
  }
  const temporal = await connectTemporal(config, note);
  try {
    for (let tries = 1; ; tries++) {
      const view = await viewOf(temporal, batchId);
      assertOurs(view, store);
      if (view.kind === 'open') {
        try {
          const told = await batch.tell(addUpdate, [toAddition(staged), requestedBy(reason)]);
          noteAdded(staged, note);
          await printUpdateResult('add', batch, told, context, { added: staged.known ? 0 : staged.prompts });
          return exitCodes.succeeded;
        } catch (error) {
          if (tries === ENDING_TRIES || !(await isEnding(store, error))) throw error;
        }
        await sleep(ENDING_MS);
        continue;
      }
      const finished = await finishedOutcome(store);
      if (staged.known && finished) return await printFinished(store, finished, context, temporal);
      if (!detach) requireApiKey(config, { request, limits });
      const isOurs = await startRun({
        ...{ config, temporal, store, limits, liftPause: false, reason },
        ...(!staged.known && { addition: toAddition(staged) }),
        prepare: () => reuseEarlierAnswers({ config, store, otherwise: defaultReuse, note }),
      });
      if (!isOurs) continue;
      noteAdded(staged, note);
      break;
    }
  } finally {
    await temporal.close();
  }
  return followRun({
    ...{ store, settings: { request, limits }, typedLimits: {} },
    ...{ liftPause: false, detach, context },
  });
}

function noteAdded({ known, prompts, taken }: StagedPrompts, note: (line: string) => void): void {
  if (known) return;
  note(`${plural(prompts, 'prompt')} added.`);
  if (taken.completions > 0) note(reusedText(taken));
}

const toAddition = ({ stage, sha256 }: StagedPrompts): Addition => ({ stage, sha256 });

/** Whoever cancelled it does not want the rest of it run, and a run that buys what is added would. */
async function assertNotCancelled(batch: ReachedBatch): Promise<void> {
  const { state, counts } = await batch.status();
  const { batchId } = batch;
  if (state === 'cancelling') throw new UsageError(`${batchId} is being cancelled. Nothing was added.`);
  if (state === 'cancelled')
    throw new UsageError(
      `${batchId} is cancelled, and ${plural(counts.notRun, 'prompt')} of it were not run: with what is added they would be. ` +
        `Nothing was added. To allow it: ${asTyped(commandLine`durabatch resume ${idWord(batchId)}`)}, and then add again`,
    );
}

const updateFailure = (error: unknown): WorkflowUpdateFailedError | null =>
  error instanceof UsageError && error.cause instanceof WorkflowUpdateFailedError ? error.cause : null;

const refusalTypeOf = (error: unknown): string | null | undefined => {
  const failure = updateFailure(error);
  return failure && refusalOf(failure);
};

/** The batch closes about now: once it has, a new run takes the prompts in. */
async function isEnding(store: BatchStore, error: unknown): Promise<boolean> {
  if (!(error instanceof UsageError)) return false;
  if (error.cause instanceof WorkflowNotFoundError || (await finishedOutcome(store))) return true;
  return refusalTypeOf(error) === refusals.ending;
}

/** Somebody else has added prompts since these were checked against the batch. */
function isOvertaken(error: unknown): boolean {
  return error instanceof AdditionOvertaken || refusalTypeOf(error) === failureTypes.additionOvertaken;
}
