/** Who works with how many of a batch's slots: slots are lent, given back, and lent on. */

/** A shard's slots in totals, as {@link ShardLoan} and {@link ShardAccount} have them. */
export interface SlotLoan {
  slots: number;
  keepSlots: number;
  returnedSlots: number;
  /** Nothing is left to start: what falls idle comes back. */
  dry: boolean;
}

/** Slots out of the batch's hand: in use, idle at the shard, or on their way in either direction. */
export const heldSlots = ({ slots, returnedSlots }: SlotLoan): number => slots - returnedSlots;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/**
 * Recalls what is above `target`, and shares what is free among the shards that have prompts to start,
 * those with the fewest slots first. Never are more than `target` slots lent, except those that
 * were lent before it sank.
 */
export function lendSlots(loans: readonly SlotLoan[], target: number): void {
  for (const loan of loans) loan.keepSlots = Math.min(loan.keepSlots, heldSlots(loan));
  let over = sum(loans.map(({ keepSlots }) => keepSlots)) - target;
  for (const loan of loans.toSorted((a, b) => b.keepSlots - a.keepSlots)) {
    if (over <= 0) break;
    const recalled = Math.min(over, loan.keepSlots);
    loan.keepSlots -= recalled;
    over -= recalled;
  }
  let free = target - sum(loans.map(heldSlots));
  if (free < 0) return;
  // What was recalled and has not come back yet may be kept again.
  for (const loan of loans) loan.keepSlots = heldSlots(loan);
  const wet = loans.filter(({ dry }) => !dry);
  while (free > 0 && wet.length > 0) {
    const poorest = wet.reduce((least, loan) => (heldSlots(loan) < heldSlots(least) ? loan : least));
    const lent = Math.ceil(free / wet.length);
    poorest.slots += lent;
    poorest.keepSlots = heldSlots(poorest);
    free -= lent;
  }
}
