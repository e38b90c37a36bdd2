import type { ShardPlan } from '../contract.ts';
import { completionsOf, readShardPrompts } from '../store/batch-reading.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { spentNanoUsd } from '../store/bill.ts';
import type { Surcharge } from '../providers/surcharge.ts';
import type { PromptHistory } from '../store/prompt-history.ts';
import type { BuyDependencies } from './buy-completions.ts';
import { toActivityFailure } from './failures.ts';
import { heartbeating } from './heartbeating.ts';
import { worstCostOf } from './request.ts';
import { addPrompt, newRunSums } from './run-sums.ts';

export type ReadShard = (batchId: string, shard: number, run: number) => Promise<ShardPlan>;

export type ReadShardDependencies = { store: BatchStore } & Pick<
  BuyDependencies,
  'prices' | 'priceTable' | 'surcharge' | 'now'
>;

/** When a prompt that waits is sent is not known: its first reservation is for the dearest hour of a day. */
const DAY_MS = 86_400_000;

/** Tells the workflow what is left to run of a shard: ids and positions, never texts. */
export function createReadShard({
  store,
  prices,
  priceTable,
  surcharge,
  now,
}: ReadShardDependencies): ReadShard {
  return (_batchId, shard, run) =>
    heartbeating(async () => {
      const plan: ShardPlan = { open: [], ...newRunSums() };
      const manifest = await store.readManifest();
      const costs = prices(manifest.settings, manifest.limits, await priceTable?.(run));
      for await (const { index, item, standing, history } of readShardPrompts(store, shard)) {
        addPrompt(plan, { standing, history }, run);
        if (surcharge) noteCharges(history, surcharge);
        if (standing.settled) continue;
        const lastTurn = lastTurnOf(history, run);
        plan.open.push({
          index,
          id: item.prompt_id,
          completions: completionsOf(item, manifest),
          spentNanoUsd: spentNanoUsd(history),
          worstCostNanoUsd: worstCostOf(item, manifest.settings, standing.missing.length, costs, {
            at: now(),
            withinMs: DAY_MS,
          }),
          ...(lastTurn > 0 && { lastTurn }),
        });
      }
      return plan;
    }).catch((error: unknown) => {
      throw toActivityFailure(error);
    });
}

/** What earlier processes learned of the provider's charges. */
function noteCharges({ starts, answers }: PromptHistory, surcharge: Surcharge): void {
  for (const { start: id, costNanoUsd } of answers) {
    const start = starts.find((one) => one.id === id);
    if (start) surcharge.note({ ...start, costNanoUsd });
  }
}

function lastTurnOf({ starts, answers, faults, settled }: PromptHistory, run: number): number {
  const records = [...starts, ...answers, ...faults, ...settled].filter((record) => record.run === run);
  return Math.max(0, ...records.map(({ turn }) => turn));
}
