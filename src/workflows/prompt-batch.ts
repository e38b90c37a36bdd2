import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  log,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertMemo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type {
  BatchInput,
  BatchOutcome,
  Pause,
  PauseReason,
  Progress,
  RunState,
  ShardPlan,
} from '../contract.ts';
import { cancelNowUpdate, progressQuery, resumeUpdate } from './messages.ts';
import { CANCEL_GRACE, completionPolicy, pauseReasons, storePolicy, UNIFORM_FAILURES } from './policies.ts';
import { countsOf, newTally, rateOf, seeded, settled, uniformFailure } from './tally.ts';
import { detailsOf, memoOf } from './web-ui.ts';

type OpenPrompt = ShardPlan['open'][number] & { shard: number; turn: number };

/** The current details are rendered at most this often. */
const DETAILS_EVERY_MS = 2000;

const { readShard, recordPause, writeReport } = proxyActivities<Activities>(storePolicy);

/**
 * One run of a batch: works through its open prompts with at most `maxWorkers` in progress, and ends
 * with the report, also when it is cancelled. It pauses itself when what goes wrong is not a prompt's
 * fault; a prompt caught in that is put back, never failed.
 */
export async function promptBatch(batch: BatchInput): Promise<BatchOutcome> {
  const { limits } = batch.settings;
  const queue: OpenPrompt[] = [];
  let tally = newTally(batch.prompts);
  let running = 0;
  let pause = batch.pause;
  let cancelling = false;
  let cancelNow = false;
  let detailsAt = 0;

  const state = (): RunState => (cancelling ? 'cancelling' : pause ? 'paused' : 'running');

  const progress = (): Progress => {
    const counts = countsOf(tally, running, false);
    const promptsPerSecond = rateOf(tally);
    const left = counts.pending + counts.running;
    return {
      state: state(),
      pause,
      counts,
      paid: tally.paid,
      promptsPerSecond,
      etaSeconds: promptsPerSecond > 0 ? left / promptsPerSecond : null,
      maxWorkers: limits.maxWorkers,
      lastFailures: [...tally.lastFailures],
    };
  };

  const showDetails = (): void => {
    detailsAt = Date.now();
    setCurrentDetails(detailsOf(batch, progress()));
  };

  const showTransition = (): void => {
    upsertMemo(memoOf(progress()));
    showDetails();
  };

  const remember = async (): Promise<void> => {
    try {
      await recordPause(batch.batchId, pause);
    } catch (error) {
      // The pause holds all the same; only a lost Temporal database would forget it.
      log.warn('the pause could not be noted in the store', { error: messageOf(error) });
    }
  };

  const pauseBatch = async (reason: PauseReason, message: string): Promise<void> => {
    if (pause || cancelling) return;
    pause = { reason, message, since: new Date().toISOString() } satisfies Pause;
    showTransition();
    await remember();
  };

  /** Store work that a full disk or a foreign file may stop: pauses, and tries again when resumed. */
  const stored = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (cancelling) throw error;
        await pauseBatch('storage', messageOf(error));
        await condition(() => !pause || cancelling);
      }
    }
  };

  const complete = async (prompt: OpenPrompt): Promise<void> => {
    const { completePrompt } = proxyActivities<Activities>({
      ...completionPolicy(limits, prompt.completions),
      summary: summaryOf(prompt.id),
    });
    const { batchId, run } = batch;
    const { shard, index, turn, id: promptId } = prompt;
    try {
      const receipt = await completePrompt({ batchId, run, turn, shard, index, promptId, limits });
      tally = settled(tally, promptId, receipt, Date.now());
      const message = uniformFailure(tally, UNIFORM_FAILURES);
      if (message !== null)
        await pauseBatch('failures', `the first ${UNIFORM_FAILURES} prompts all failed with: ${message}`);
    } catch (error) {
      queue.unshift({ ...prompt, turn: turn + 1 });
      if (isCancellation(error)) return;
      await pauseBatch(reasonOf(error), messageOf(error));
    }
  };

  const inProgress = async (prompt: OpenPrompt): Promise<void> => {
    running++;
    await complete(prompt);
    running--;
    if (Date.now() - detailsAt >= DETAILS_EVERY_MS) showDetails();
  };

  setHandler(progressQuery, progress);
  setHandler(
    resumeUpdate,
    async () => {
      pause = null;
      showTransition();
      await remember();
      return progress();
    },
    {
      validator: () => {
        if (cancelling) throw new Error('the batch is being cancelled');
        if (!pause) throw new Error('the batch is not paused');
      },
    },
  );
  setHandler(cancelNowUpdate, () => {
    cancelNow = true;
    return progress();
  });
  CancellationScope.current().cancelRequested.catch(() => {
    cancelling = true;
    showTransition();
  });

  return CancellationScope.nonCancellable(async () => {
    showTransition();
    for (let shard = 0; shard < batch.shards; shard++) {
      const plan = await stored(() => readShard(batch.batchId, shard));
      tally = seeded(tally, plan.settled);
      queue.push(...plan.open.map((prompt) => ({ ...prompt, shard, turn: 1 })));
    }

    const requests = new CancellationScope();
    const mayStart = (): boolean => !pause && !cancelling && running < limits.maxWorkers && queue.length > 0;
    const over = (): boolean => running === 0 && (queue.length === 0 || cancelling);
    while (!over()) {
      while (mayStart()) {
        const prompt = queue.shift()!;
        void requests.run(() => inProgress(prompt));
      }
      await condition(() => mayStart() || over() || cancelling);
      if (!cancelling) continue;
      await condition(() => running === 0 || cancelNow, CANCEL_GRACE);
      requests.cancel();
      await condition(() => running === 0);
    }

    const finalState = cancelling ? 'cancelled' : tally.failed > 0 ? 'partly_failed' : 'succeeded';
    const outcome = await stored(() =>
      writeReport({
        batchId: batch.batchId,
        run: batch.run,
        state: finalState,
        endedAt: new Date().toISOString(),
      }),
    );
    upsertMemo(
      memoOf({ ...progress(), state: finalState, pause: null, counts: outcome.counts, paid: outcome.paid }),
    );
    await condition(allHandlersFinished);
    if (cancelling)
      throw new CancelledFailure(`the batch was cancelled; its report is ${outcome.resultsFile}`);
    return outcome;
  });
}

function reasonOf(error: unknown): PauseReason {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const type = cause instanceof ApplicationFailure ? cause.type : undefined;
  return pauseReasons[type as keyof typeof pauseReasons] ?? 'failures';
}

function messageOf(error: unknown): string {
  if (error instanceof ActivityFailure && error.cause) return error.cause.message;
  return error instanceof Error ? error.message : String(error);
}

/** The Web UI's label of an activity: at most 200 bytes. */
const summaryOf = (promptId: string): string => promptId.slice(0, 50);
