/** What a prompt has cost, told apart by what became of the money: pure, from its records alone. */
import type { Paid } from '../contract.ts';
import type { PromptHistory } from './ledger-reader.ts';
import { paidFor, type Standing } from './standing.ts';

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

export function billOf(history: PromptHistory, { chosen }: Standing): PromptBill {
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

/** Known and possibly paid costs together, of all records or of some, in integer nano-USD; `null` where a price is unknown. */
export function spentNanoUsd(
  history: PromptHistory,
  counts: (record: { run: number; turn: number }) => boolean = () => true,
): number | null {
  const known = paidFor(history.answers.filter(counts)).costNanoUsd;
  const possible = sumOrUnknown(
    possiblyPaidOf(history)
      .filter(counts)
      .map((request) => request.worstCostNanoUsd),
  );
  return known === null || possible === null ? null : known + possible;
}

/** `null` as soon as one amount is unknown. */
export const sumOrUnknown = (amounts: readonly (number | null)[]): number | null =>
  amounts.reduce<number | null>((sum, amount) => (sum === null || amount === null ? null : sum + amount), 0);
