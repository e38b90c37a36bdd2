import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { BatchInput } from '../contract.ts';
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
    prepare: async () => {
      for (let shard = 0; shard < batch.shards; shard++) {
        if (host.isCancelled()) return;
        const plan = await host.fromStore(() => readShard(batch.batchId, shard, batch.run));
        if (!plan) return;
        for (const sum of [plan.before, plan.inRun]) {
          host.seed(sum);
          budget.addBefore(sum.spentNanoUsd);
        }
        work.add(shard, plan);
      }
    },
    run: work.run,
    drain: work.drain,
    takeIn: () => {
      // it has no shards to hear from
    },
  };
}
