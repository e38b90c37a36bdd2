/** How much more than its worst case a request of this batch has cost: the next ones are reserved with that in mind. */
export interface Surcharge {
  /** 1: nothing was ever above its worst case. */
  readonly factor: number;
  /** `worstCostNanoUsd` was reserved with the factor `raise`. True: the charge is above it. */
  note(charge: { costNanoUsd: number | null; worstCostNanoUsd: number | null; raise?: number }): boolean;
}

export function createSurcharge(): Surcharge {
  let factor = 1;
  return {
    get factor() {
      return factor;
    },
    note: ({ costNanoUsd, worstCostNanoUsd, raise = 1 }) => {
      if (costNanoUsd === null || worstCostNanoUsd === null || costNanoUsd <= worstCostNanoUsd) return false;
      // A worst case of nothing has no multiple: the next ones that are known to cost something count.
      if (worstCostNanoUsd > 0) factor = Math.max(factor, (raise * costNanoUsd) / worstCostNanoUsd);
      return true;
    },
  };
}
