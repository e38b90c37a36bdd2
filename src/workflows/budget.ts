/** The money of a batch under a cost cap: what is spent, and what prompts in progress may still spend. */
export interface Budget {
  /** Known and possibly paid, in integer nano-USD. What nobody knows counts as its reservation. */
  readonly spentNanoUsd: number;
  readonly reservedNanoUsd: number;
  /** What was spent before: by whom and on what does not matter, open prompts included. */
  addBefore(spentNanoUsd: number): void;
  /** How much of that an open prompt has spent: what it is told to have spent later includes it. */
  open(index: number, spentNanoUsd: number | null): void;
  /** Whether one more turn fits under the cap beside what is spent and reserved; always, without a cap. */
  fits(worstCostNanoUsd: number | null, capNanoUsd: number | null): boolean;
  reserve(index: number, worstCostNanoUsd: number | null): void;
  /** Ends a turn. `spentNanoUsd`: what its prompt has spent over all its turns; `null`, if nobody can tell: then the whole reservation. */
  settle(index: number, spentNanoUsd: number | null): void;
}

export function createBudget(): Budget {
  let before = 0;
  const spent = new Map<number, number>();
  const reserved = new Map<number, number>();
  let spentByPrompts = 0;
  let reservedByPrompts = 0;

  return {
    get spentNanoUsd() {
      return before + spentByPrompts;
    },
    get reservedNanoUsd() {
      return reservedByPrompts;
    },
    addBefore: (nanoUsd) => {
      before += nanoUsd;
    },
    open: (index, nanoUsd) => void spent.set(index, nanoUsd ?? 0),
    fits: (worst, cap) => {
      if (cap === null) return true;
      return worst !== null && before + spentByPrompts + reservedByPrompts + worst <= cap;
    },
    reserve: (index, worst) => {
      reserved.set(index, worst ?? 0);
      reservedByPrompts += worst ?? 0;
    },
    settle: (index, nanoUsd) => {
      const reservation = reserved.get(index) ?? 0;
      reserved.delete(index);
      reservedByPrompts -= reservation;
      const earlier = spent.get(index) ?? 0;
      const now = nanoUsd ?? earlier + reservation;
      spentByPrompts += now - earlier;
      spent.set(index, now);
    },
  };
}

/** Why the next prompt may not start. */
export function budgetText(spentNanoUsd: number, cap: number | null, worst: number | null): string {
  if (worst === null) return 'there is a cost cap, but no price for the next prompt';
  if (cap !== null && worst > cap)
    return `the cost cap of ${usd(cap)} has no room for the next prompt, which may cost up to ${usd(worst)}; ${usd(spentNanoUsd)} are spent or possibly spent`;
  return `the cost cap of ${usd(cap ?? 0)} is reached: ${usd(spentNanoUsd)} are spent or possibly spent, and the next prompt may cost up to ${usd(worst)}`;
}

const usd = (nanoUsd: number): string => `$${(nanoUsd / 1e9).toFixed(6).replace(/(\.\d\d\d*?)0+$/, '$1')}`;
