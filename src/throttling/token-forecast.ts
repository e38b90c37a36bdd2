/** How many tokens a request will come to, learnt from those that were answered. */

/** An answer counts this much less with each one after it: the last fifty or so decide. */
const FADING = 0.98;

export interface TokenForecast {
  /** From the most that it can come to. Until something was learnt: that. */
  of(mostTokens: number): number;
  learn(mostTokens: number, tokens: number): void;
}

export function createTokenForecast(): TokenForecast {
  let most = 0;
  let counted = 0;
  return {
    of: (mostTokens) => (most === 0 ? mostTokens : Math.ceil((mostTokens * counted) / most)),
    learn: (mostTokens, tokens) => {
      most = most * FADING + mostTokens;
      counted = counted * FADING + tokens;
    },
  };
}
