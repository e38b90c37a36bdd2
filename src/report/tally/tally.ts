import type { Counts } from '../../core/progress.ts';
import type { Paid, Usage } from '../../core/receipt.ts';
import type { PromptOutcome } from '../../store/ledger/outcome.ts';
import { type AnswerTally, noAnswers, withAnswers } from './answer-tally.ts';
import { type BillTally, billed, emptyBill } from '../../store/digests/bill-tally.ts';
import { failed, type FailureTally, noFailures } from '../../store/digests/failure-tally.ts';
import { emptyPrices, priced, type PriceTally } from './price-tally.ts';
import { countLongCells } from '../results-csv.ts';

/** Running totals over a batch's outcomes; never a text. */
export interface Tally {
  succeeded: number;
  failed: number;
  notRun: number;
  pending: number;
  usage: Usage;
  /** Sum of the costs that are known. */
  knownNanoUsd: bigint;
  /** Prompts whose cost is not known. */
  unpriced: number;
  /** Models those of them asked for that have answers without a price. */
  unpricedModels: readonly string[];
  answers: AnswerTally;
  completions: number;
  truncated: number;
  /** Cells of the CSV that are longer than a spreadsheet can show. */
  longCells: number;
  bill: BillTally;
  prices: PriceTally;
  failures: FailureTally;
  /** Newest record of each run, ISO 8601: how long a run lived that nobody saw end. */
  lastRecordAt: ReadonlyMap<number, string>;
}

export const emptyTally: Tally = {
  succeeded: 0,
  failed: 0,
  notRun: 0,
  pending: 0,
  usage: { prompt: 0, completion: 0, total: 0, cached: 0, reasoning: 0 },
  knownNanoUsd: 0n,
  unpriced: 0,
  unpricedModels: [],
  answers: noAnswers,
  completions: 0,
  truncated: 0,
  longCells: 0,
  bill: emptyBill,
  prices: emptyPrices,
  failures: noFailures,
  lastRecordAt: new Map(),
};

const counters = {
  succeeded: 'succeeded',
  failed: 'failed',
  not_run: 'notRun',
  pending: 'pending',
} as const satisfies Record<PromptOutcome['status'], keyof Tally>;

const addUsage = (a: Usage, b: Usage): Usage => ({
  prompt: a.prompt + b.prompt,
  completion: a.completion + b.completion,
  total: a.total + b.total,
  cached: a.cached + b.cached,
  reasoning: a.reasoning + b.reasoning,
});

/** An unknown cost of an answer with a price is that of a count that did not come. */
const hasPrices = ({ answers }: PromptOutcome): boolean =>
  answers.every(
    ({ costNanoUsd, price, usage }) => costNanoUsd !== null || (price !== null && usage === null),
  );

const withModel = (models: readonly string[], model: string): readonly string[] =>
  models.includes(model) ? models : [...models, model];

/** The totals with one more outcome; `batchModel` is what a prompt without a model of its own asked for. */
export const counted = (tally: Tally, outcome: PromptOutcome, batchModel: string): Tally => {
  const { completions, item, paid, status } = outcome;
  const counter = counters[status];
  const isPriced = paid.costNanoUsd !== null;
  return {
    ...tally,
    [counter]: tally[counter] + 1,
    usage: addUsage(tally.usage, paid.usage),
    knownNanoUsd: tally.knownNanoUsd + BigInt(paid.costNanoUsd ?? 0),
    unpriced: tally.unpriced + (isPriced ? 0 : 1),
    unpricedModels: hasPrices(outcome)
      ? tally.unpricedModels
      : withModel(tally.unpricedModels, item.model ?? batchModel),
    completions: tally.completions + completions.length,
    truncated: tally.truncated + completions.filter((completion) => completion.truncated).length,
    longCells: tally.longCells + countLongCells(outcome),
    answers: withAnswers(tally.answers, outcome.answers),
    bill: billed(tally.bill, outcome.bill, outcome.answers),
    prices: priced(tally.prices, outcome.answers),
    failures: failed(tally.failures, outcome),
    lastRecordAt: withNewest(tally.lastRecordAt, outcome.lastRecordAt),
  };
};

const withNewest = (
  known: ReadonlyMap<number, string>,
  more: ReadonlyMap<number, string>,
): ReadonlyMap<number, string> => {
  const newer = [...more].filter(([run, at]) => at > (known.get(run) ?? ''));
  return newer.length === 0 ? known : new Map([...known, ...newer]);
};

export const totalItems = (tally: Tally): number =>
  tally.succeeded + tally.failed + tally.notRun + tally.pending;

/** `null` as soon as one prompt's cost is not known. */
export const totalNanoUsd = (tally: Tally): bigint | null =>
  tally.unpriced === 0 ? tally.knownNanoUsd : null;

/** Everything paid; the cost is `null` as soon as one prompt's is not known. */
export const totalPaid = (tally: Tally): Paid => {
  const nanoUsd = totalNanoUsd(tally);
  return { usage: tally.usage, costNanoUsd: nanoUsd === null ? null : Number(nanoUsd) };
};

/** The counts of a run that has ended. */
export const finalCounts = (tally: Tally): Counts => ({
  total: totalItems(tally),
  pending: 0,
  running: 0,
  succeeded: tally.succeeded,
  failed: tally.failed,
  notRun: tally.notRun,
});
