/** Who works with how many of a batch's slots: slots are lent, given back, and lent on. */

/** A shard's slots in totals, as {@link ShardLoan} and {@link ShardReport} have them. */
export interface SlotLoan {
  slots: number;
  keepSlots: number;
  returnedSlots: number;
  /** Nothing is left to start: what falls idle comes back. */
  dry: boolean;
}

/** Slots out of the batch's hand: in use, idle at the shard, or on their way in either direction. */
export const heldSlots = ({ slots, returnedSlots }: Pick<SlotLoan, 'slots' | 'returnedSlots'>): number =>
  slots - returnedSlots;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/**
 * Recalls what is above `target`, and lends what is free to the shards that have prompts to start: to the
 * first until it has `most`, then to the next, so that prompts start in the order of the file and a shard takes over
 * as the one before it runs out; what is left goes to those with the fewest slots. Never are more than `target`
 * slots lent, except those that were lent before it sank.
 */
export function lendSlots(loans: readonly SlotLoan[], target: number, most: number): void {
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
  const lend = (loan: SlotLoan, slots: number): number => {
    loan.slots += slots;
    loan.keepSlots = heldSlots(loan);
    return slots;
  };
  const wet = loans.filter(({ dry }) => !dry);
  for (const loan of wet) free -= lend(loan, Math.max(0, Math.min(free, most - heldSlots(loan))));
  while (free > 0 && wet.length > 0) {
    const poorest = wet.reduce((least, loan) => (heldSlots(loan) < heldSlots(least) ? loan : least));
    free -= lend(poorest, Math.ceil(free / wet.length));
  }
}
