import type { OutcomeAmount, OutcomeBill } from '../../core/outcome.ts';
import type { PromptBill } from '../ledger/bill.ts';
import type { BoughtAnswer } from '../ledger/outcome.ts';
import { nanoUsdToDecimal, nanoUsdToUsd } from '../../core/money.ts';
import { addMoney, addMoneySums, type MoneySum, moneyTotal, noMoney } from '../../core/money.ts';

/** Running totals of a bill. */
export interface BillTally {
  kept: MoneySum;
  discarded: MoneySum;
  /** Worst cases of the requests whose answer was lost. */
  possiblyPaid: MoneySum;
  /** One amount for each prompt. */
  cacheSaving: MoneySum;
  reasoningTokens: number;
  reused: number;
}

export const emptyBill: BillTally = {
  kept: noMoney,
  discarded: noMoney,
  possiblyPaid: noMoney,
  cacheSaving: noMoney,
  reasoningTokens: 0,
  reused: 0,
};

export const billed = (tally: BillTally, bill: PromptBill, answers: readonly BoughtAnswer[]): BillTally => {
  const sumOf = (sum: MoneySum, kept: boolean): MoneySum =>
    answers
      .filter((answer) => answer.kept === kept)
      .reduce((all, one) => addMoney(all, one.costNanoUsd), sum);
  return {
    kept: sumOf(tally.kept, true),
    discarded: sumOf(tally.discarded, false),
    possiblyPaid: bill.possiblyPaid.reduce(
      (all, { worstCostNanoUsd }) => addMoney(all, worstCostNanoUsd),
      tally.possiblyPaid,
    ),
    cacheSaving: addMoney(tally.cacheSaving, bill.cacheSavingNanoUsd),
    reasoningTokens: answers.reduce((sum, { usage }) => sum + (usage?.reasoning ?? 0), tally.reasoningTokens),
    reused: tally.reused + bill.reused,
  };
};

export const addBills = (a: BillTally, b: BillTally): BillTally => ({
  kept: addMoneySums(a.kept, b.kept),
  discarded: addMoneySums(a.discarded, b.discarded),
  possiblyPaid: addMoneySums(a.possiblyPaid, b.possiblyPaid),
  cacheSaving: addMoneySums(a.cacheSaving, b.cacheSaving),
  reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  reused: a.reused + b.reused,
});

/** The same in JSON: {@link fromOutcomeBill} reads it back. */
export const toOutcomeBill = ({ reasoningTokens, reused, ...sums }: BillTally): OutcomeBill => ({
  kept: toAmount(sums.kept),
  discarded: toAmount(sums.discarded),
  possiblyPaid: toAmount(sums.possiblyPaid),
  cacheSaving: toAmount(sums.cacheSaving),
  reasoningTokens,
  reused,
});

export const fromOutcomeBill = ({ reasoningTokens, reused, ...sums }: OutcomeBill): BillTally => ({
  kept: fromAmount(sums.kept),
  discarded: fromAmount(sums.discarded),
  possiblyPaid: fromAmount(sums.possiblyPaid),
  cacheSaving: fromAmount(sums.cacheSaving),
  reasoningTokens,
  reused,
});

const toAmount = (sum: MoneySum): OutcomeAmount => ({ ...sum, knownNanoUsd: String(sum.knownNanoUsd) });

const fromAmount = (sum: OutcomeAmount): MoneySum => ({ ...sum, knownNanoUsd: BigInt(sum.knownNanoUsd) });

/** The `bill` of a summary, in exact US dollars; an amount is `null` as soon as a price in it is unknown. */
export interface ReportBill {
  /** Answers of which at least one completion is in the results. */
  paid_and_kept: number | null;
  /** Answers that came back and are not in the results: failed ones, and those a sample has twice. */
  paid_and_discarded: number | null;
  /** Requests whose answer never arrived: each is named under `possibly_paid`, at its own worst case. */
  possibly_paid: { requests: number; worst_case_cost: number | null };
  /** What cached input made cheaper: not part of any other amount. */
  cached_input_savings: number | null;
  reasoning_tokens: number;
  /** Taken over from earlier batches, which paid for them. */
  reused_completions: number;
}

export const toReportBill = (bill: BillTally): ReportBill => ({
  paid_and_kept: usd(bill.kept),
  paid_and_discarded: usd(bill.discarded),
  possibly_paid: {
    requests: bill.possiblyPaid.known + bill.possiblyPaid.unknown,
    worst_case_cost: usd(bill.possiblyPaid),
  },
  cached_input_savings: usd(bill.cacheSaving),
  reasoning_tokens: bill.reasoningTokens,
  reused_completions: bill.reused,
});

const usd = (sum: MoneySum): number | null => nanoUsdToUsd(moneyTotal(sum));

/** What is known of the amounts that are `null`; `null` where there is nothing to say. */
export const billWarning = (bill: BillTally): string | null => {
  const parts = (
    [
      ['paid_and_kept', bill.kept, 'answers'],
      ['paid_and_discarded', bill.discarded, 'answers'],
      ['possibly_paid', bill.possiblyPaid, 'requests'],
      ['cached_input_savings', bill.cacheSaving, 'prompts'],
    ] as const
  ).flatMap(([name, { knownNanoUsd, known, unknown }, what]) =>
    known > 0 && unknown > 0
      ? [`${name} of ${known} of ${known + unknown} ${what}: ${nanoUsdToDecimal(knownNanoUsd)} USD`]
      : [],
  );
  return parts.length === 0 ? null : `Where the bill has null, this part is known: ${parts.join('; ')}.`;
};
