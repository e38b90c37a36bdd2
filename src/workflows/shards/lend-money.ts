/** Who may spend how much of what a cost cap leaves: money is lent with the slots, given back, and lent on. */

import { heldSlots, type SlotLoan } from './lend-slots.ts';

/** A shard's money in totals of integer nano-USD, as {@link ShardLoan} and {@link ShardReport} have them. */
export interface MoneyLoan extends Pick<SlotLoan, 'slots' | 'returnedSlots'> {
  /** `null`: lent without a cap, or nothing yet. */
  nanoUsd: number | null;
  /** It was lent without a cap: what it has spent and reserved is known when it has answered a loan under one. */
  isUncounted: boolean;
  keepMoneyFor: 'queue' | 'slots' | 'nothing';
  returnedNanoUsd: number;
  /** In this run: before the shard's present execution, and since. */
  spentBeforeNanoUsd: number;
  spentNanoUsd: number;
  reservedNanoUsd: number;
  /** What is missing for its next prompt, where that waits for money alone; `null`: it wants nothing. */
  missingNanoUsd: number | null;
  /** Nothing of it is in progress. */
  isIdle: boolean;
  /** Whether it has answered the newest loan, so that all this is of now. */
  isUpToDate: boolean;
}

/** What may have been spent, and what still may be, by a shard. */
export function exposedNanoUsd(loan: MoneyLoan): number {
  const { nanoUsd, returnedNanoUsd, spentBeforeNanoUsd, spentNanoUsd, reservedNanoUsd } = loan;
  const lent = nanoUsd === null ? 0 : nanoUsd - returnedNanoUsd;
  return spentBeforeNanoUsd + Math.max(lent, spentNanoUsd + reservedNanoUsd);
}

/**
 * Shares what is free of `capNanoUsd` besides `spentNanoUsd` (by shards that are done, and before this
 * run) among the shards that want money. A cap that comes while shards run first asks them what they
 * have spent and reserved: before all have told, none may start anything. False: one wants more than
 * there is, and nothing is in progress anywhere that could free some.
 */
export function lendMoney(
  loans: readonly MoneyLoan[],
  spentNanoUsd: number,
  capNanoUsd: number | null,
): boolean {
  if (capNanoUsd === null) {
    for (const loan of loans) Object.assign(loan, UNCAPPED);
    return true;
  }
  const starting = loans.filter(({ nanoUsd }) => nanoUsd === null);
  for (const loan of starting) {
    loan.nanoUsd = loan.returnedNanoUsd;
    if (loan.isUncounted) Object.assign(loan, ASKED);
  }
  const uncounted = loans.filter(({ isUncounted }) => isUncounted);
  if (!uncounted.every(({ isUpToDate }) => isUpToDate)) return true;
  for (const loan of uncounted) Object.assign(loan, COUNTED);
  let free = capNanoUsd - spentNanoUsd - loans.reduce((total, loan) => total + exposedNanoUsd(loan), 0);
  for (const loan of [...uncounted, ...starting]) {
    const lent = Math.floor(free / 2);
    // One that has no slots yet will ask when it has.
    if (heldSlots(loan) === 0 || lent <= 0) continue;
    lend(loan, lent);
    free -= lent;
  }
  const wanting = loans.filter(({ missingNanoUsd, isUpToDate }) => missingNanoUsd !== null && isUpToDate);
  let unmet = false;
  for (const loan of wanting) {
    const missing = loan.missingNanoUsd! - overdrawnNanoUsd(loan);
    if (missing > free) {
      unmet = true;
      continue;
    }
    const lent = Math.max(missing, Math.floor(free / 2));
    lend(loan, lent);
    if (loan.keepMoneyFor === 'nothing') loan.keepMoneyFor = 'slots';
    free -= lent;
  }
  if (loans.length === 0 || (!unmet && free >= 0)) return true;
  return !tighten(loans, free < 0);
}

const UNCAPPED = { nanoUsd: null, keepMoneyFor: 'queue', isUncounted: true } satisfies Partial<MoneyLoan>;
/** `nothing` makes a shard report at once. */
const ASKED = { keepMoneyFor: 'nothing', isUpToDate: false } satisfies Partial<MoneyLoan>;
const COUNTED = { keepMoneyFor: 'queue', isUncounted: false } satisfies Partial<MoneyLoan>;

/** On top of what it has spent and reserved beyond its loan: that is counted already. */
function lend(loan: MoneyLoan, nanoUsd: number): void {
  const more = nanoUsd + overdrawnNanoUsd(loan);
  const missing = (loan.missingNanoUsd ?? 0) - more;
  loan.nanoUsd! += more;
  loan.missingNanoUsd = missing > 0 ? missing : null;
}

const overdrawnNanoUsd = (loan: MoneyLoan): number => Math.max(0, -unusedNanoUsd(loan));

/** Asks for money that lies idle. True: there is none left to ask for, and nothing goes on. */
function tighten(loans: readonly MoneyLoan[], overdrawn: boolean): boolean {
  let asked = false;
  for (const loan of loans) {
    const keepMoneyFor = overdrawn || (loan.missingNanoUsd !== null && loan.isIdle) ? 'nothing' : 'slots';
    if (loan.keepMoneyFor === keepMoneyFor) continue;
    loan.keepMoneyFor = keepMoneyFor;
    asked = true;
  }
  return !asked && loans.every(standsStill);
}

/** It waits for money, or has no slot to start anything with and nothing to give back. */
const standsStill = (loan: MoneyLoan): boolean =>
  loan.isIdle &&
  loan.isUpToDate &&
  (loan.missingNanoUsd !== null || (heldSlots(loan) === 0 && unusedNanoUsd(loan) <= 0));

const unusedNanoUsd = ({ nanoUsd, returnedNanoUsd, spentNanoUsd, reservedNanoUsd }: MoneyLoan): number =>
  (nanoUsd ?? 0) - returnedNanoUsd - spentNanoUsd - reservedNanoUsd;
