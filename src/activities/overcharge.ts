/** Answers that cost more than their requests could: pure, decided from the ledger alone. */
import { nanoUsdToDecimal } from '../core/money.ts';
import type { PromptHistory } from '../store/ledger/prompt-history.ts';
import type { Moment } from '../store/ledger/records.ts';

/**
 * Returns what to tell a person about the first answer of this turn that cost more than was reserved for its request;
 * `null` if there is none. A prompt that is put back gets another turn, so a resumed batch does not pause for it again.
 */
export function overchargeOf(
  { starts, answers }: Pick<PromptHistory, 'starts' | 'answers'>,
  { run, turn }: Pick<Moment, 'run' | 'turn'>,
): string | null {
  for (const { start: id, costNanoUsd, ...answer } of answers) {
    if (answer.run !== run || answer.turn !== turn || costNanoUsd === null) continue;
    const worstCostNanoUsd = starts.find((start) => start.id === id)?.worstCostNanoUsd ?? null;
    if (worstCostNanoUsd !== null && costNanoUsd > worstCostNanoUsd)
      return overchargeText(costNanoUsd, worstCostNanoUsd);
  }
  return null;
}

const overchargeText = (costNanoUsd: number, worstCostNanoUsd: number): string =>
  `An answer cost ${nanoUsdToDecimal(costNanoUsd)} USD, although its request could cost ${nanoUsdToDecimal(worstCostNanoUsd)} USD at most by its price and its token limit. ` +
  "Look at the provider's bill; after `durabatch resume`, the batch reserves more for each request, by the same factor.";
