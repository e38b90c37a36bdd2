/** What a prompt has cost, told apart by what became of the money: pure, from its records alone. */
import type { Paid } from '../../core/receipt.ts';
import type { PromptHistory } from './prompt-history.ts';
import { paidFor, type PromptState } from './prompt-state.ts';

/** A request whose answer never arrived whole and that no error status excuses: its provider may have billed it. */
export interface PossiblyPaid {
  /** Id of its start record. */
  id: string;
  at: string;
  run: number;
  turn: number;
  attempt: number;
  samples: number[];
  /** `null` where the price is unknown. */
  worstCostNanoUsd: number | null;
  why: string;
}

export interface PromptBill {
  /** Answers of which at least one completion is used. */
  kept: Paid;
  /** Answers that came back and are not used: failed ones, and those of a worker that was cut off. */
  discarded: Paid;
  possiblyPaid: PossiblyPaid[];
  /** What cached input made cheaper; `null` where a price is unknown. */
  cacheSavingNanoUsd: number | null;
  /** Completions taken over from earlier batches: paid there, and not here. */
  reused: number;
}

export function billOf(history: PromptHistory, { chosen }: PromptState): PromptBill {
  const used = new Set(chosen.map(({ answer }) => answer.id));
  const bought = history.answers.filter((answer) => !answer.reused);
  return {
    kept: paidFor(bought.filter((answer) => used.has(answer.id))),
    discarded: paidFor(bought.filter((answer) => !used.has(answer.id))),
    possiblyPaid: possiblyPaidOf(history),
    cacheSavingNanoUsd: sumOrUnknown(bought.map((answer) => answer.cacheSavingNanoUsd)),
    reused: chosen.filter(({ answer }) => answer.reused).length,
  };
}

/** In the order they were sent. */
export function possiblyPaidOf({ starts, answers, faults }: PromptHistory): PossiblyPaid[] {
  const answered = new Set(answers.map((answer) => answer.start));
  const faultOf = new Map(faults.map((fault) => [fault.start, fault]));
  return starts.flatMap(({ id, at, run, turn, attempt, samples, worstCostNanoUsd }) => {
    const fault = faultOf.get(id);
    if (answered.has(id) || fault?.possiblyPaid === false) return [];
    const why =
      fault?.message ?? 'no answer is on record: it is on its way, or its worker ended before one came';
    return [{ id, at, run, turn, attempt, samples, worstCostNanoUsd, why }];
  });
}

/** What one request has cost, or may have cost. */
export interface Spending {
  run: number;
  turn: number;
  /** `null` where the price is unknown. */
  nanoUsd: number | null;
}

/** Known and possibly paid costs. An answer of unknown cost, as where its provider counted no tokens, has cost at most what was expected. */
export function spendingsOf(history: PromptHistory): Spending[] {
  const worstCostOf = (answer: PromptHistory['answers'][number]): number | null =>
    history.starts.find(({ id }) => id === answer.start)?.worstCostNanoUsd ?? null;
  return [
    ...history.answers.map((answer) => ({
      ...{ run: answer.run, turn: answer.turn },
      nanoUsd: answer.costNanoUsd ?? worstCostOf(answer),
    })),
    ...possiblyPaidOf(history).map(({ run, turn, worstCostNanoUsd: nanoUsd }) => ({ run, turn, nanoUsd })),
  ];
}

/** All of it together, or some, in integer nano-USD; `null` where a price is unknown. */
export const spentNanoUsd = (
  history: PromptHistory,
  counts: (spending: Spending) => boolean = () => true,
): number | null =>
  sumOrUnknown(
    spendingsOf(history)
      .filter(counts)
      .map(({ nanoUsd }) => nanoUsd),
  );

/** `null` as soon as one amount is unknown. */
export const sumOrUnknown = (amounts: readonly (number | null)[]): number | null =>
  amounts.reduce<number | null>((sum, amount) => (sum === null || amount === null ? null : sum + amount), 0);
