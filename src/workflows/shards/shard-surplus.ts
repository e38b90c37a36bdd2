/** What a shard gives back of what it was lent. */
import type { OpenPrompt } from '../../core/prompt-task.ts';
import type { ShardLoan } from '../../core/shard-protocol.ts';

export interface HeldSlots {
  held: number;
  /** How many of them it may go on using. */
  keep: number;
  /** Prompts in progress, each on a slot. */
  running: number;
  /** Nothing is left to start. */
  dry: boolean;
}

/** Idle slots that it has no prompts for, or may not use any more. */
export function slotsToReturn({ held, keep, running, dry }: HeldSlots): number {
  const idle = held - running;
  return dry ? idle : Math.min(idle, Math.max(0, held - keep));
}

export interface HeldMoney {
  /** Lent, and neither spent nor reserved; negative where a new cap is less than that; `null`: there is no cap. */
  unreserved: number | null;
  keepFor: ShardLoan['keepMoneyFor'];
  /** Prompts that wait for their turn; `null` while nobody knows which. */
  queue: readonly Pick<OpenPrompt, 'worstCostNanoUsd'>[] | null;
  /** Slots it holds. */
  slots: number;
}

/** In integer nano-USD. */
export function moneyToReturn({ unreserved, keepFor, queue, slots }: HeldMoney): number {
  if (unreserved === null || unreserved <= 0) return 0;
  if (keepFor === 'nothing') return unreserved;
  if (queue === null) return 0;
  const prompts = keepFor === 'queue' ? queue : queue.slice(0, slots);
  const needed = prompts.reduce((sum, { worstCostNanoUsd }) => sum + (worstCostNanoUsd ?? 0), 0);
  return Math.max(0, unreserved - needed);
}
