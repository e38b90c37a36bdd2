import type { ShardPlan } from '../contract.ts';
import { completionsOf, readShardPrompts } from '../store/batch-reading.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { spentNanoUsd, sumOrUnknown } from '../store/bill.ts';
import { addPaid, NOTHING_PAID } from '../store/standing.ts';
import type { BuyDependencies } from './buy-completions.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeating.ts';
import { worstCostOf } from './request.ts';

export type ReadShard = (batchId: string, shard: number) => Promise<ShardPlan>;

export type ReadShardDependencies = { store: BatchStore } & Pick<BuyDependencies, 'prices' | 'now'>;

/** Tells the workflow what is left to run of a shard: ids and positions, never texts. */
export function createReadShard({ store, prices, now }: ReadShardDependencies): ReadShard {
  return (_batchId, shard) =>
    heartbeating(async () => {
      const plan: ShardPlan = {
        open: [],
        settled: { succeeded: 0, failed: 0, paid: NOTHING_PAID, spentNanoUsd: 0 },
      };
      const manifest = await store.readManifest();
      const costs = prices(manifest.settings, manifest.limits);
      for await (const { index, item, standing, history } of readShardPrompts(store, shard)) {
        const spent = spentNanoUsd(history);
        if (standing.settled) {
          plan.settled[standing.settled.status]++;
          plan.settled.paid = addPaid(plan.settled.paid, standing.paid);
          plan.settled.spentNanoUsd = sumOrUnknown([plan.settled.spentNanoUsd, spent]);
        } else {
          plan.open.push({
            index,
            id: item.prompt_id,
            completions: completionsOf(item, manifest),
            spentNanoUsd: spent,
            worstCostNanoUsd: worstCostOf(item, manifest.settings, standing.missing.length, costs, now()),
          });
        }
      }
      return plan;
    }).catch((error: unknown) => {
      throw toActivityFailure(error);
    });
}
