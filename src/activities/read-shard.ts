import type { ShardPlan, ShardRequest } from '../core/prompt-task.ts';
import { completionsOf, readShardPrompts } from '../store/ledger/batch-reading.ts';
import type { BatchStore } from '../store/batch-store.ts';
import { spentNanoUsd } from '../store/ledger/bill.ts';
import type { Surcharge } from '../providers/pricing/surcharge.ts';
import type { PromptHistory } from '../store/ledger/prompt-history.ts';
import { copyPlanned, type LostAnswers } from '../store/reuse/reuse-plan.ts';
import { asActivity } from './as-activity.ts';
import type { BuyDependencies } from './buy-completions.ts';
import { worstCostOf } from './request.ts';
import { addPrompt, newRunSums } from './run-sums.ts';

export type ReadShard = (request: ShardRequest) => Promise<ShardPlan>;

export type ReadShardDependencies = {
  store: BatchStore;
  /** Takes a line for whoever looks at this worker. */
  note?: (line: string) => void;
} & Pick<BuyDependencies, 'prices' | 'priceTable' | 'surcharge' | 'now'>;

/** When a prompt that waits is sent is not known: its first reservation is for the dearest hour of a day. */
const DAY_MS = 86_400_000;

/** Copies what is planned to be reused in a shard, then tells the workflow what is left to run of it: ids and positions, never texts. */
export function createReadShard({
  store,
  prices,
  priceTable,
  surcharge,
  now,
  note,
}: ReadShardDependencies): ReadShard {
  return asActivity(async ({ shard, run }) => {
    const plan: ShardPlan = { open: [], ...newRunSums() };
    const manifest = await store.readManifest();
    const lost = await copyPlanned(store, shard, manifest.limits, now());
    if (lost) note?.(lostText(lost));
    const costs = prices(manifest.settings, manifest.limits, await priceTable?.(run));
    for await (const reading of readShardPrompts(store, shard, manifest.limits)) {
      const { index, item, promptState, history } = reading;
      addPrompt(plan, { promptState, history }, run);
      if (surcharge) noteCharges(history, surcharge);
      if (promptState.settled) continue;
      const lastTurn = lastTurnOf(history, run);
      plan.open.push({
        index,
        id: item.prompt_id,
        completions: completionsOf(item, manifest),
        spentNanoUsd: spentNanoUsd(history),
        worstCostNanoUsd: worstCostOf(item, manifest.settings, promptState.missing.length, costs, {
          at: now(),
          withinMs: DAY_MS,
        }),
        ...(lastTurn > 0 && { lastTurn }),
      });
    }
    return plan;
  });
}

const lostText = ({ completions, batchIds, reason }: LostAnswers): string =>
  `${completions} ${completions === 1 ? 'completion' : 'completions'} to be reused from ${batchIds.join(', ')} ` +
  `can no longer be read and will be bought instead: ${reason}`;

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
