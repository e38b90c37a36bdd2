import { readFile } from 'node:fs/promises';
import { loadConfig } from '../config.ts';
import type { BatchOutcome, Progress, PromptItem } from '../contract.ts';
import type { BatchResults } from '../report/results-json.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { cancelNowUpdate, progressQuery } from '../workflows/messages.ts';
import { BatchInterruptedError, BatchPausedError } from './batch-errors.ts';
import { continueBatch, finishedOutcome, openBatch, progressAtEnd } from './continue-batch.ts';
import { createBatch } from './create-batch.ts';
import { readPromptList } from './input/read-prompt-list.ts';
import type { RunOptions } from './options/run-options.ts';
import { type BatchProcessorOptions, toRunOptions } from './processor-options.ts';
import { requireApiKey, resolveSettings } from './request-settings.ts';
import { connectTemporal, type Temporal } from './temporal.ts';

/** A prompt as an item of a prompts file: an object with `prompt` or `messages`, or just the text. */
export type PromptInput = string | (Partial<PromptItem> & Record<string, unknown>);

export interface BatchHandle {
  readonly batchId: string;
  progress(): Promise<Progress>;
  /** Ends the batch; `result` then gives what came back. Prompts in progress get a minute, with `now` none. */
  cancel(options?: { now?: boolean }): Promise<void>;
  /** The results file, parsed. Rejects with `BatchPausedError` or `BatchInterruptedError`. */
  result(): Promise<BatchResults>;
}

export interface ProcessOptions {
  /** Called a few times a second while the batch runs. */
  onProgress?: (progress: Progress) => void;
}

/**
 * Runs prompts as `durabatch run` does: on the embedded Temporal server or the one that
 * `TEMPORAL_ADDRESS` names, with a worker in this process. The same prompts and settings are the same
 * batch: called again after a crash, it goes on and buys only what is missing.
 */
export class BatchProcessor {
  readonly #options: RunOptions;

  /** Throws `UsageError`. */
  constructor(options: BatchProcessorOptions = {}) {
    this.#options = toRunOptions(options);
  }

  /** Throws `InputError` or `UsageError` before anything is started. */
  async processBatch(prompts: readonly PromptInput[], options: ProcessOptions = {}): Promise<BatchResults> {
    return (await this.start(prompts, options)).result();
  }

  async start(
    prompts: readonly PromptInput[],
    { onProgress = () => {} }: ProcessOptions = {},
  ): Promise<BatchHandle> {
    const config = loadConfig(process.env, process.cwd());
    const settings = resolveSettings(this.#options);
    const { outputDir, id, new: fresh } = this.#options;
    const { store, manifest } = await createBatch(config, {
      read: (sink) => readPromptList(prompts, sink),
      file: null,
      settings,
      outputDir,
      id,
      reuse: [],
      fresh,
      beforeCommit: () => requireApiKey(config, settings),
    });
    const finished = await finishedOutcome(store);
    if (finished) return finishedHandle(store, finished, manifest.limits.maxWorkers);
    requireApiKey(config, settings);

    const temporal = await connectTemporal(config, () => {});
    const opening = { config, temporal, store, limits: settings.limits, liftPause: false };
    try {
      await openBatch(opening);
    } catch (error) {
      await temporal.close();
      throw error;
    }
    let latest: Progress | null = null;
    let over = false;
    const result = continueBatch({
      ...opening,
      worker: true,
      onProgress: (progress) => {
        latest = progress;
        onProgress(progress);
      },
      note: () => {},
      interrupt: new AbortController().signal,
    })
      .then(async (end) => {
        if (end.kind === 'finished') return readResults(end.outcome);
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
    result.catch(() => {
      // whoever calls result() is told
    });
    return liveHandle(store, temporal, result, () => (over ? latest : null));
  }
}

function liveHandle(
  { batchId }: BatchStore,
  { client }: Temporal,
  result: Promise<BatchResults>,
  /** The last progress of a batch that is over: nobody answers for it any more. */
  lastProgress: () => Progress | null,
): BatchHandle {
  const handle = client.workflow.getHandle(batchId);
  return {
    batchId,
    progress: async () => lastProgress() ?? handle.query(progressQuery),
    cancel: async ({ now = false } = {}) => {
      if (now) await handle.executeUpdate(cancelNowUpdate);
      await handle.cancel();
    },
    result: () => result,
  };
}

function finishedHandle({ batchId }: BatchStore, outcome: BatchOutcome, maxWorkers: number): BatchHandle {
  return {
    batchId,
    progress: async () => progressAtEnd(outcome, maxWorkers),
    cancel: async () => {
      throw new Error(`batch ${batchId} is not running: it is ${outcome.state}`);
    },
    result: () => readResults(outcome),
  };
}

const readResults = async ({ resultsFile }: BatchOutcome): Promise<BatchResults> =>
  JSON.parse(await readFile(resultsFile, 'utf8')) as BatchResults;
