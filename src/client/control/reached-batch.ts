/** A batch as it is reached to be asked and told something: through its folder and Temporal, or through Temporal alone. */
import type { UpdateDefinition } from '@temporalio/common';
import type { BatchOutcome } from '../../core/outcome.ts';
import type { Progress } from '../../core/progress.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import type { CommandContext } from '../commands/context.ts';
import { createFolderBatch } from './folder-batch.ts';
import { findStore, locateBatch } from '../find/locate-batch.ts';
import type { BatchStatus } from '../render/status-text.ts';
import { createServerBatch } from './server-batch.ts';
import { viewOf } from '../observe/server-view.ts';
import { connectTemporalIfRunning, type Temporal } from '../connect/temporal.ts';

export interface ReachedBatch {
  readonly batchId: string;
  /** `null`: its folder is not here. */
  readonly store: BatchStore | null;
  /** `null` until it is needed. */
  readonly temporal: Temporal | null;
  /** Answers within about two seconds, whoever lives; starts nothing. */
  status(): Promise<BatchStatus>;
  /**
   * Has an Update carried out, once, however often it must be sent. Throws `UsageError` with the reason where
   * that makes no sense: the batch is not open, or refuses.
   */
  tell<Args extends [unknown, ...unknown[]]>(
    update: UpdateDefinition<Progress, Args>,
    args: Args,
  ): Promise<UpdateResult>;
  /** Cancels it and waits for its end, where somebody is there to bring it about. Throws `UsageError` as `tell` does. */
  cancel(options: { now: boolean; interrupt: AbortSignal }): Promise<CancelEnd>;
  close(): Promise<void>;
}

/** What came of an Update. */
export interface UpdateResult {
  progress: Progress;
  /** No worker is on the batch: what it was told holds from the next one on. */
  alone: boolean;
}

export type CancelEnd =
  /** Without an outcome where its folder is not here. */
  | { kind: 'closed'; outcome: BatchOutcome | null }
  /** The server knows of it, and nobody is there to act on it. */
  | { kind: 'asked' }
  | { kind: 'interrupted' };

/**
 * In the folder that was named, the one remembered, or the default one; else, if none was named, as the Temporal
 * server knows it. Throws `UsageError` where nobody knows it.
 */
export async function reachBatch(
  id: string,
  outputDir: string | undefined,
  context: CommandContext,
): Promise<ReachedBatch> {
  const { config } = context;
  const store = await findStore(config, id, outputDir);
  if (store) return createFolderBatch(store, context);
  const temporal = outputDir === undefined ? await connectTemporalIfRunning(config) : null;
  if (temporal) {
    const view = await viewOf(temporal, id);
    if (view.kind !== 'absent' && view.memo.store)
      return createServerBatch(temporal, id, view.memo.store, context);
    await temporal.close();
  }
  return createFolderBatch(await locateBatch(config, id, outputDir), context);
}
