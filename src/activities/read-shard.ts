import type { ShardPlan } from '../contract.ts';
import { completionsOf, readShardPrompts } from '../store/batch-reading.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { addPaid, NOTHING_PAID } from '../store/standing.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeating.ts';

export type ReadShard = (batchId: string, shard: number) => Promise<ShardPlan>;

/** Tells the workflow what is left to run of a shard: ids and positions, never texts. */
export function createReadShard({ store }: { store: BatchStore }): ReadShard {
  return (_batchId, shard) =>
    heartbeating(async () => {
      const plan: ShardPlan = { open: [], settled: { succeeded: 0, failed: 0, paid: NOTHING_PAID } };
      const manifest = await store.manifest();
      for await (const { index, item, standing } of readShardPrompts(store, shard)) {
        if (standing.settled) {
          plan.settled[standing.settled.status]++;
          plan.settled.paid = addPaid(plan.settled.paid, standing.paid);
        } else {
          plan.open.push({ index, id: item.prompt_id, completions: completionsOf(item, manifest) });
        }
      }
      return plan;
    }).catch((error: unknown) => {
      throw toActivityFailure(error);
    });
}
