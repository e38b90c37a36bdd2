/** A batch as it is reached to be asked and told something: through its folder and Temporal, or through Temporal alone. */
import type { UpdateDefinition } from '@temporalio/common';
import type { Progress } from '../contract.ts';
import type { BatchStore } from '../store/batch-store.ts';
import type { CommandContext } from './commands/context.ts';
import { createFolderBatch } from './folder-batch.ts';
import { findStore, locateBatch } from './locate-batch.ts';
import type { BatchStatus } from './render/status-text.ts';

export interface ReachedBatch {
  readonly batchId: string;
  /** `null`: its folder is not here. */
  readonly store: BatchStore | null;
  /** Answers within about two seconds, whoever lives; starts nothing. */
  status(): Promise<BatchStatus>;
  /**
   * Has an Update carried out, once, however often it must be sent. Throws `UsageError` with the reason where
   * that makes no sense: the batch is not open, or refuses.
   */
  tell<Args extends [unknown, ...unknown[]]>(
    update: UpdateDefinition<Progress, Args>,
    args: Args,
  ): Promise<Told>;
  close(): Promise<void>;
}

/** What came of an Update. */
export interface Told {
  progress: Progress;
  /** No worker is on the batch: what it was told holds from the next one on. */
  alone: boolean;
}

/** Throws `UsageError` where nobody knows the batch. */
export async function reachBatch(
  id: string,
  outputDir: string | undefined,
  context: CommandContext,
): Promise<ReachedBatch> {
  const store = await findStore(context.config, id, outputDir);
  if (store) return createFolderBatch(store, context);
  return createFolderBatch(await locateBatch(context.config, id, outputDir), context);
}
