import { loadConfig } from '../../config.ts';
import type { BatchOutcome } from '../../core/outcome.ts';
import type { PromptItem } from '../../core/prompt.ts';
import type { StoreLocation } from '../../core/batch-layout.ts';
import { readResults, readSummary } from '../../report/read-results.ts';
import type { BatchResult, BatchResults } from '../../report/results-json.ts';
import type { ReportSummary } from '../../report/summary.ts';
import { readRegularText } from '../../system/files/regular-file.ts';
import { reportIn } from '../../report/read-report.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { BatchInterruptedError, BatchPausedError } from './batch-errors.ts';
import { closedOutcome } from '../follow/close-on-server.ts';
import { continueBatch, progressAtEnd } from '../start/continue-batch.ts';
import { createBatch } from '../start/create-batch.ts';
import { unusualAddress } from '../../providers/destination.ts';
import { readPromptList } from '../../input/read-prompt-list.ts';
import type { RunOptions } from '../options/run-options.ts';
import { type BatchProcessorOptions, parseProcessorOptions } from './processor-options.ts';
import { type BatchProgress, inDollars } from './batch-progress.ts';
import { checkOptions, type OptionCheck } from './check-options.ts';
import { assertNotElsewhere } from '../start/known-to-server.ts';
import { locateBatches } from '../find/locate-batch.ts';
import { earlierRequests, keyRecipient, requireApiKey, resolveSettings } from '../start/request-settings.ts';
import { reuseEarlierAnswers } from '../reuse/reuse-earlier-answers.ts';
import { cancelNow } from '../control/send-update.ts';
import { connectTemporal, type Temporal } from '../connect/temporal.ts';

/** A prompt as an item of a prompts file: an object with `prompt` or `messages`, or just the text. */
export type PromptInput = string | (Partial<PromptItem> & Record<string, unknown>);

/** A list, or anything that gives one prompt after the other; it is read once and never held as a whole. */
export type PromptInputs = Iterable<PromptInput> | AsyncIterable<PromptInput>;

/** What waits for the end of the batch rejects with `BatchPausedError` or `BatchInterruptedError`. */
export interface BatchHandle {
  readonly batchId: string;
  progress(): Promise<BatchProgress>;
  /** Ends the batch; `result` then gives what came back. Prompts in progress get a minute, with `now` none. */
  cancel(options?: { now?: boolean }): Promise<void>;
  /** The results file, parsed: waits for the end, and holds all of it in memory. */
  result(): Promise<BatchResults>;
  /** The results one by one, in input order: waits for the end, and holds one in memory. Each call begins anew. */
  results(): AsyncGenerator<BatchResult, void, undefined>;
  /** The summary alone: waits for the end. */
  summary(): Promise<ReportSummary>;
}

export interface ProcessOptions {
  /** Called a few times a second while the batch runs. */
  onProgress?: (progress: BatchProgress) => void;
  /**
   * Stops as Ctrl-C does: nothing more is started, the requests in flight are waited for, and what waits for the batch
   * rejects with `BatchInterruptedError`. The same prompts go on where it stopped. While the prompts are still being read
   * there is no batch yet: none is made, and the call rejects with the signal's reason.
   */
  signal?: AbortSignal;
}

const isSignal = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<AbortSignal>).aborted === 'boolean' &&
  typeof (value as Partial<AbortSignal>).throwIfAborted === 'function';

const processOptions: Record<keyof ProcessOptions, OptionCheck> = {
  onProgress: { expected: 'a function', matches: (value) => typeof value === 'function' },
  signal: { expected: 'an AbortSignal', matches: isSignal },
};

/**
 * Runs prompts as `durabatch run` does: on the embedded Temporal server or the one that
 * `TEMPORAL_ADDRESS` names, with a worker in this process. The same prompts and settings are the same
 * batch: called again after a crash, it goes on and buys only what is missing.
 */
export class BatchProcessor {
  readonly #options: RunOptions;

  /** Throws `UsageError`. */
  constructor(options: BatchProcessorOptions = {}) {
    this.#options = parseProcessorOptions(options);
  }

  /** Throws `InputError` or `UsageError` before anything is started. */
  async processBatch(prompts: PromptInputs, options: ProcessOptions = {}): Promise<BatchResults> {
    return (await this.start(prompts, options)).result();
  }

  /** As `processBatch`, but answers as soon as the batch is open. */
  async start(prompts: PromptInputs, options: ProcessOptions = {}): Promise<BatchHandle> {
    checkOptions(options, processOptions);
    const { onProgress = () => {}, signal = new AbortController().signal } = options;
    const config = loadConfig(process.env, process.cwd());
    const settings = resolveSettings(this.#options);
    const recipient = keyRecipient(config, this.#options, settings);
    for (const notice of [...config.notices, recipient, unusualAddress(settings.request)])
      if (notice !== null) process.emitWarning(notice, 'durabatch');
    const { outputDir, id, new: fresh, reuse } = this.#options;
    const named = (await locateBatches(config, reuse.named, outputDir)).map(({ batchId }) => batchId);
    const { store, manifest } = await createBatch(config, {
      read: (sink) => readPromptList(prompts, sink, signal),
      file: null,
      settings,
      outputDir,
      id,
      earlier: earlierRequests(this.#options, settings),
      reuse: { reuse: named, reuse_policy: reuse.policy },
      fresh,
      beforeCommit: async (newBatch) => {
        requireApiKey(config, settings);
        await assertNotElsewhere(config, newBatch, () => {});
        signal.throwIfAborted();
      },
    });
    const finished = await closedOutcome(config, store, () => {});
    if (finished) return finishedHandle(store, finished, manifest.limits.maxWorkers);
    if (signal.aborted) throw new BatchInterruptedError(store.batchId, 'was stopped before it began');
    requireApiKey(config, settings);

    const temporal = await connectTemporal(config, () => {});
    let latest: BatchProgress | null = null;
    let over = false;
    let opened = (): void => {};
    const open = new Promise<void>((resolve) => (opened = resolve));
    const taking = { named, policy: reuse.isTyped ? reuse.policy : undefined, otherwise: reuse.policy };
    const outcome = continueBatch({
      ...{ config, temporal, store, limits: settings.limits, liftPause: false, worker: true },
      prepare: () => reuseEarlierAnswers({ config, store, ...taking, note: () => {} }),
      onOpen: async () => {
        opened();
        return {};
      },
      onProgress: (progress) => {
        latest = inDollars(progress);
        onProgress(latest);
      },
      note: () => {},
      interrupt: signal,
    })
      .then((end) => {
        if (end.kind === 'finished') return end.outcome;
        if (end.kind === 'paused' && end.progress.pause)
          throw new BatchPausedError(store.batchId, end.progress.pause);
        throw new BatchInterruptedError(
          store.batchId,
          end.kind === 'ended-outside' ? `was ${end.how}` : 'stopped',
        );
      })
      .finally(() => {
        over = true;
        return temporal.close();
      });
    outcome.catch(() => {
      // whoever waits for it is told
    });
    await Promise.race([open, outcome]);
    return liveHandle(store, temporal, outcome, () => (over ? latest : null));
  }
}

function liveHandle(
  { batchId, location }: BatchStore,
  { client }: Temporal,
  outcome: Promise<BatchOutcome>,
  /** The last progress of a batch that is over: nobody answers for it any more. */
  lastProgress: () => BatchProgress | null,
): BatchHandle {
  const handle = client.workflow.getHandle(batchId);
  return {
    batchId,
    progress: async () => lastProgress() ?? inDollars(await handle.query(progressQuery)),
    cancel: async ({ now = false } = {}) => {
      if (now) await cancelNow(handle);
      await handle.cancel();
    },
    ...resultsOf(location, outcome),
  };
}

function finishedHandle(
  { batchId, location }: BatchStore,
  outcome: BatchOutcome,
  maxWorkers: number,
): BatchHandle {
  return {
    batchId,
    progress: async () => inDollars(progressAtEnd(outcome, maxWorkers)),
    cancel: async () => {
      throw new Error(`batch ${batchId} is not running (state: ${outcome.state})`);
    },
    ...resultsOf(location, Promise.resolve(outcome)),
  };
}

/** What a handle tells from the results file, once the batch has ended. */
function resultsOf(
  { outputDir }: StoreLocation,
  outcome: Promise<BatchOutcome>,
): Pick<BatchHandle, 'result' | 'results' | 'summary'> {
  const file = async (): Promise<string> => reportIn(outputDir, (await outcome).resultsFile);
  return {
    result: async () =>
      JSON.parse(await readRegularText(await file(), Number.MAX_SAFE_INTEGER)) as BatchResults,
    async *results() {
      yield* readResults(await file());
    },
    summary: async () => readSummary(await file()),
  };
}
