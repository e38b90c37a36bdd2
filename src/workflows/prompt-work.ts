/** Works through the open prompts of one shard or of a few: what a small batch does itself, and each shard of a large one. */
import { isCancellation, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { BatchInput } from '../core/batch-input.ts';
import type { Receipt, Unsettled } from '../core/receipt.ts';
import type { ShardPlan } from '../core/prompt-task.ts';
import type { WorkHost } from './batch-work.ts';
import type { Budget } from './budget.ts';
import { causeOf, spentByFailure } from './pause-cause.ts';
import { completionPolicy } from './policies.ts';
import { createPromptLoop, type OpenPrompt, type PromptLoop, type TurnEnd } from './prompt-loop.ts';
import { applyReceipt } from './tally.ts';
import { summaryText } from './display/web-ui.ts';

export interface PromptWorkOptions extends Pick<
  WorkHost,
  'limits' | 'slots' | 'lifts' | 'tally' | 'counted' | 'halt'
> {
  budget: Budget;
  /** What the budget may come to, in integer nano-USD; `null`: no cap. */
  capNanoUsd(): number | null;
  /** Nothing is in progress that could make room for the next prompt. */
  noRoom(prompt: OpenPrompt): Promise<void>;
}

export interface PromptWork extends Pick<PromptLoop, 'running' | 'queue' | 'waitsForRoom' | 'run' | 'drain'> {
  add(shard: number, plan: Pick<ShardPlan, 'open'>): void;
}

export function createPromptWork(
  { batchId, run }: Pick<BatchInput, 'batchId' | 'run'>,
  { limits, slots, budget, capNanoUsd, noRoom, lifts, halt, tally, counted }: PromptWorkOptions,
): PromptWork {
  const loop = createPromptLoop({
    slots,
    hasRoom: ({ worstCostNanoUsd }) => budget.fits(worstCostNanoUsd, capNanoUsd()),
    noRoom,
    takeUp,
  });

  async function takeUp(prompt: OpenPrompt): Promise<TurnEnd> {
    budget.reserve(prompt.index, prompt.worstCostNanoUsd);
    const liftsBefore = lifts();
    const startedAt = Date.now();
    let receipt: Receipt | Unsettled;
    try {
      receipt = await complete(prompt);
    } catch (error) {
      budget.settle(prompt.index, spentByFailure(error));
      // What failed before the last resume, and is only heard of now, must not undo it.
      const cause = isCancellation(error) ? null : causeOf(error);
      if (cause && lifts() === liftsBefore) await halt(cause);
      const { since: _, ...afresh } = prompt;
      return { putBack: afresh };
    }
    budget.settle(prompt.index, receipt.spentNanoUsd);
    if (receipt.status !== 'unsettled' && receipt.overcharged !== undefined && lifts() === liftsBefore)
      await halt({ reason: 'budget', message: receipt.overcharged });
    if (receipt.status === 'unsettled') {
      const { since = prompt.turn } = prompt;
      return { putBack: { ...prompt, since, worstCostNanoUsd: receipt.worstCostNanoUsd } };
    }
    const now = Date.now();
    const span = { ms: now - startedAt, completions: prompt.completions };
    const consequence = counted(applyReceipt(tally(), prompt.id, receipt, now, span));
    if (consequence) await consequence;
    return 'settled';
  }

  /** Asks for one prompt's missing completions. */
  function complete(prompt: OpenPrompt): Promise<Receipt | Unsettled> {
    const now = limits();
    const { completePrompt } = proxyActivities<Activities>({
      ...completionPolicy(now, prompt.completions),
      summary: summaryText(prompt.id),
      // The list of pending activities has no summaries. An id may come again, but not while it is in use.
      activityId: summaryText(`${prompt.index + 1} ${prompt.id}`),
    });
    const { shard, index, turn, since, id: promptId, worstCostNanoUsd } = prompt;
    // What is as usual is left out: tens of thousands of these go through the server.
    return completePrompt({
      ...{ batchId, run, turn, shard, index, promptId },
      ...(since !== undefined && since !== turn && { since }),
      allowanceNanoUsd: now.maxCostNanoUsd === null ? null : worstCostNanoUsd,
    });
  }

  return {
    get running() {
      return loop.running;
    },
    queue: loop.queue,
    get waitsForRoom() {
      return loop.waitsForRoom;
    },
    add: (shard, { open }) => {
      for (const { index, spentNanoUsd } of open) budget.open(index, spentNanoUsd);
      loop.add(open.map(({ lastTurn = 0, ...prompt }) => ({ ...prompt, shard, turn: lastTurn + 1 })));
    },
    run: loop.run,
    drain: loop.drain,
  };
}
