/** A report's summary against what the ledger adds up to. */
import { type ReportSummary, toSummary } from '../../report/summary.ts';
import type { PriceTable } from '../../prices/price-table.ts';
import type { ReportSource } from '../../report/report-source.ts';
import type { Tally } from '../../report/tally/tally.ts';
import type { BatchOutcome } from '../../core/outcome.ts';
import { toOutcomeBill } from '../../store/digests/bill-tally.ts';
import { finalCounts, totalPaid } from '../../report/tally/tally.ts';
import type { Difference } from './findings.ts';
import { jsonDifferences, leafCount } from './json-differences.ts';
import { valuesText } from './prompt-check.ts';

export interface FigureVerdict {
  compared: number;
  differences: Difference[];
}

/** What is no figure of the ledger: clocks and places. */
const NOT_COMPARED: ReadonlySet<string> = new Set([
  'timestamp',
  'duration_seconds',
  'paused_seconds',
  'idle_seconds',
  'results_file',
  'csv_file',
  'failures_file',
]);

/** The table of a run that names none, as the report has it: that of the version that wrote it. */
const tableToldBy = ({
  prices: { table_version: source, table_date: date },
}: ReportSummary): PriceTable | null =>
  date === undefined ? null : { format: 1, date, source, calendars: {}, providers: [] };

const figuresOf = (summary: object, isCompared: (name: string) => boolean): unknown =>
  JSON.parse(
    JSON.stringify(Object.fromEntries(Object.entries(summary).filter(([name]) => isCompared(name)))),
  );

export function checkSummary(
  { manifest, priceTable }: Pick<ReportSource, 'manifest' | 'priceTable'>,
  { state }: Pick<BatchOutcome, 'state'>,
  tally: Tally,
  found: ReportSummary,
): FigureVerdict {
  const source = {
    manifest,
    priceTable: priceTable ?? tableToldBy(found),
    state,
    open: null,
    timestamp: new Date(0),
    outcomes: () => {
      throw new Error('a summary is made from the tally alone');
    },
  };
  // An older version may have put its warnings in other words.
  const isCompared = (name: string): boolean =>
    !NOT_COMPARED.has(name) && !(name === 'warnings' && !priceTable);
  const expected = figuresOf(toSummary(source, tally, null), isCompared);
  const differences = jsonDifferences(expected, figuresOf(found, isCompared)).map(({ path, ...values }) => ({
    check: 'summary' as const,
    message: `summary.${path}: ${valuesText(values)}`,
    records: [],
  }));
  return { compared: leafCount(expected), differences };
}

/** The totals that the workflow returned, as the manifest keeps them. */
export function checkOutcome(outcome: BatchOutcome, run: number, tally: Tally): FigureVerdict {
  const expected = {
    counts: finalCounts(tally),
    paid: totalPaid(tally),
    ...(outcome.bill && { bill: toOutcomeBill(tally.bill) }),
  };
  const { counts, paid, bill } = outcome;
  const differences = jsonDifferences(expected, { counts, paid, ...(bill && { bill }) }).map(
    ({ path, expected: says, found: has }) => ({
      check: 'outcomes' as const,
      message: `batch.json: run ${run}: ${path}: it has ${String(has)}, the ledger says ${String(says)}`,
      records: [],
    }),
  );
  return { compared: leafCount(expected), differences };
}
