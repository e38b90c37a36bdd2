import { CancellationScope, condition, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { BatchInput } from '../core/batch-input.ts';
import type { BatchWork, WorkHost } from './batch-work.ts';
import { createBudget } from './budget.ts';
import { storePolicy } from './policies.ts';
import { createPromptWork } from './prompt-work.ts';

const { readShard } = proxyActivities<Activities>(storePolicy);

/** A small batch works through its prompts itself, so that the Web UI shows them in one timeline. */
export function createInlineWork(batch: BatchInput, host: WorkHost): BatchWork {
  const budget = createBudget();
  const work = createPromptWork(batch, {
    ...host,
    budget,
    capNanoUsd: () => host.limits().maxCostNanoUsd,
    noRoom: ({ worstCostNanoUsd }) => host.noRoom(worstCostNanoUsd),
  });
  /** Shards that were added and are not read yet. */
  let unread = 0;
  let bug: { error: unknown } | null = null;
  let reading = Promise.resolve();

  async function read(shard: number): Promise<void> {
    const plan = await host.fromStore(() => readShard({ batchId: batch.batchId, run: batch.run, shard }));
    if (!plan) return;
    for (const sum of [plan.before, plan.inRun]) {
      host.seed(sum);
      budget.addBefore(sum.spentNanoUsd);
    }
    work.add(shard, plan);
  }

  return {
    get running() {
      return work.running;
    },
    get pendingCompletions() {
      return work.queue.reduce((sum, { completions }) => sum + completions, 0);
    },
    get spentNanoUsd() {
      return budget.spentNanoUsd;
    },
    get reservedNanoUsd() {
      return budget.reservedNanoUsd;
    },
    rest: [],
    spentInRest: {},
    prepare: async () => {
      for (let shard = 0; shard < batch.shards; shard++) {
        if (host.isCancelled()) return;
        await read(shard);
      }
    },
    run: async (stopped) => {
      const isReading = (): boolean => unread > 0;
      let end = await work.run(stopped);
      while (end === 'done' && (isReading() || work.queue.length > 0)) {
        await condition(() => !isReading() || work.queue.length > 0 || bug !== null || stopped());
        if (bug) throw bug.error;
        end = await work.run(stopped);
      }
      return end;
    },
    drain: work.drain,
    grow: ({ shards }, firstShard) => {
      for (let shard = firstShard; shard < shards; shard++) {
        unread++;
        reading = reading
          .then(() => CancellationScope.nonCancellable(() => read(shard)))
          .catch((error: unknown) => {
            bug ??= { error };
          })
          .finally(() => unread--);
      }
    },
    applyReport: () => {
      // it has no shards to hear from
    },
  };
}
