import type { PromptOutcome } from '../../store/ledger/outcome.ts';
import { nanoUsdToUsd } from '../../core/money.ts';

/** The entries of `possibly_paid` for one prompt: requests whose answer was lost, each at its own worst case. */
export const toPossiblyPaid = ({ item, bill }: Pick<PromptOutcome, 'item' | 'bill'>) =>
  bill.possiblyPaid.map(({ id, samples, at, run, turn, attempt, worstCostNanoUsd, why }) => ({
    record_id: id,
    prompt_id: item.prompt_id,
    samples,
    time: at,
    run,
    turn,
    attempt,
    worst_case_cost: nanoUsdToUsd(worstCostNanoUsd),
    why,
  }));

export type PossiblyPaidRequest = ReturnType<typeof toPossiblyPaid>[number];
