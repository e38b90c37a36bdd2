import type { ShardPlan } from '../contract.ts';
import { completionsOf, readShardPrompts } from '../store/batch-reading.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { spentNanoUsd } from '../store/bill.ts';
import type { PromptHistory } from '../store/prompt-history.ts';
import type { BuyDependencies } from './buy-completions.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeating.ts';
import { worstCostOf } from './request.ts';
import { addPrompt, newRunSums } from './run-sums.ts';

export type ReadShard = (batchId: string, shard: number, run: number) => Promise<ShardPlan>;

export type ReadShardDependencies = { store: BatchStore } & Pick<BuyDependencies, 'prices' | 'now'>;

/** Tells the workflow what is left to run of a shard: ids and positions, never texts. */
export function createReadShard({ store, prices, now }: ReadShardDependencies): ReadShard {
  return (_batchId, shard, run) =>
    heartbeating(async () => {
      const plan: ShardPlan = { open: [], ...newRunSums() };
      const manifest = await store.readManifest();
      const costs = prices(manifest.settings, manifest.limits);
      for await (const { index, item, standing, history } of readShardPrompts(store, shard)) {
        addPrompt(plan, { standing, history }, run);
        if (standing.settled) continue;
        const lastTurn = lastTurnOf(history, run);
        plan.open.push({
          index,
          id: item.prompt_id,
          completions: completionsOf(item, manifest),
          spentNanoUsd: spentNanoUsd(history),
          worstCostNanoUsd: worstCostOf(item, manifest.settings, standing.missing.length, costs, now()),
          ...(lastTurn > 0 && { lastTurn }),
        });
      }
      return plan;
    }).catch((error: unknown) => {
      throw toActivityFailure(error);
    });
}

function lastTurnOf({ starts, answers, faults, settled }: PromptHistory, run: number): number {
  const records = [...starts, ...answers, ...faults, ...settled].filter((record) => record.run === run);
  return Math.max(0, ...records.map(({ turn }) => turn));
}
