import type { BatchState } from '../core/progress.ts';
import type { ProviderName } from '../core/settings.ts';
import { runTimesOf } from '../store/manifest/run-times.ts';
import { type ReportBill, toReportBill } from '../store/digests/bill-tally.ts';
import { failureGroups, toReportFailure } from '../store/digests/failure-tally.ts';
import { nanoUsdToUsd } from '../core/money.ts';
import { toUsedPrices, type UsedPrice } from './tally/price-tally.ts';
import type { ReportSource } from './report-source.ts';
import { counted, emptyTally, totalItems, totalNanoUsd, type Tally } from './tally/tally.ts';
import { toWarnings } from './tally/warnings.ts';

/** The `summary` of the results file, as users read it. */
export interface ReportSummary {
  /** ISO 8601, UTC. */
  timestamp: string;
  batch_id: string;
  batch_name: string;
  description?: string;
  state: BatchState;
  /** The batch was not at its end. */
  partial?: true;
  total_items: number;
  successful_items: number;
  failed_items: number;
  /** Never run, in a cancelled batch. */
  not_run_items: number;
  /** Not done yet, in a partial report. */
  pending_items?: number;
  /** Percent of `total_items`, two decimals; 100 only if every prompt succeeded. */
  success_rate: number;
  total_tokens: number;
  prompt_tokens: number;
  completion_tokens: number;
  /** Part of `prompt_tokens`. */
  cached_tokens?: number;
  /** Part of `completion_tokens`. */
  reasoning_tokens?: number;
  /** US dollars for everything paid, discarded and failed answers included; `null` if any price is unknown. */
  estimated_cost: number | null;
  /** What became of the money: `estimated_cost` is what was kept and what was discarded. */
  bill: ReportBill;
  /** Time at work: without the time the batch was paused or had no worker. */
  duration_seconds: number;
  paused_seconds: number;
  /** Without a worker, and not paused. */
  idle_seconds: number;
  model: string;
  provider: ProviderName;
  simulated: boolean;
  /** Absolute path; `null` in a summary that goes into no file. */
  results_file: string | null;
  /** Absolute path; `null` in a summary that goes into no file. */
  csv_file: string | null;
  /** Of the prompts that failed: each as an item of a prompts file. Absolute path; `null` if none failed. */
  failures_file: string | null;
  /** Version of the price table. */
  prices_version: string;
  /** `table_date`: day, as YYYY-MM-DD, on which its figures were the newest there were; absent from reports of older versions. */
  prices: { table_version: string; table_date?: string; used: UsedPrice[] };
  /** By type, the most frequent first. */
  failures: ReturnType<typeof toReportFailure>[];
  warnings: string[];
}

/** Absolute paths of the files a summary goes with. */
export interface ReportPaths {
  resultsFile: string;
  csvFile: string;
  failuresFile: string | null;
}

const finalStates: ReadonlySet<BatchState> = new Set(['succeeded', 'partly_failed', 'cancelled']);

/** Percent with two decimals; 100 only if every one succeeded. */
export const successRate = (succeeded: number, total: number): number => {
  if (succeeded === total) return total === 0 ? 0 : 100;
  return Math.min(Math.round((succeeded / total) * 10_000) / 100, 99.99);
};

const toMilliseconds = (seconds: number): number => Math.round(seconds * 1000) / 1000;

export const toSummary = (source: ReportSource, tally: Tally, paths: ReportPaths | null): ReportSummary => {
  const { manifest, state } = source;
  const { usage } = tally;
  const partial = !finalStates.has(state);
  const tableVersion = source.priceTable?.source ?? manifest.versions.prices;
  const times = runTimesOf(manifest, tally.lastRecordAt, source.open);
  return {
    timestamp: source.timestamp.toISOString(),
    batch_id: manifest.batch_id,
    batch_name: manifest.batch_name,
    ...(manifest.description !== null && { description: manifest.description }),
    state,
    ...(partial && { partial }),
    total_items: totalItems(tally),
    successful_items: tally.succeeded,
    failed_items: tally.failed,
    not_run_items: tally.notRun,
    ...((partial || tally.pending > 0) && { pending_items: tally.pending }),
    success_rate: successRate(tally.succeeded, totalItems(tally)),
    total_tokens: usage.total,
    prompt_tokens: usage.prompt,
    completion_tokens: usage.completion,
    ...(usage.cached > 0 && { cached_tokens: usage.cached }),
    ...(usage.reasoning > 0 && { reasoning_tokens: usage.reasoning }),
    estimated_cost: nanoUsdToUsd(totalNanoUsd(tally)),
    bill: toReportBill(tally.bill),
    duration_seconds: toMilliseconds(times.workSeconds),
    paused_seconds: toMilliseconds(times.pausedSeconds),
    idle_seconds: toMilliseconds(times.idleSeconds),
    model: manifest.settings.model,
    provider: manifest.settings.provider,
    simulated: manifest.settings.provider === 'simulated',
    results_file: paths?.resultsFile ?? null,
    csv_file: paths?.csvFile ?? null,
    failures_file: paths?.failuresFile ?? null,
    prices_version: tableVersion,
    prices: {
      table_version: tableVersion,
      ...(source.priceTable && { table_date: source.priceTable.date }),
      used: toUsedPrices(tally.prices),
    },
    failures: failureGroups(tally.failures).map((group) => toReportFailure(group, manifest.batch_id)),
    warnings: toWarnings(source, tally, partial),
  };
};

/** Throws if the store gave more or fewer prompts than the batch has: sums over them would be wrong. */
export const checkComplete = (source: ReportSource, tally: Tally): void => {
  const { batch_id, prompts } = source.manifest;
  if (totalItems(tally) !== prompts)
    throw new Error(
      `batch ${batch_id}: batch.json says ${prompts} prompts, but its folder holds ${totalItems(tally)}; is a file under prompts/ missing or cut short?`,
    );
};

/** The summary alone, without writing a file. */
export const summarise = async (source: ReportSource): Promise<ReportSummary> => {
  let tally = emptyTally;
  for await (const outcome of source.outcomes())
    tally = counted(tally, outcome, source.manifest.settings.model);
  checkComplete(source, tally);
  return toSummary(source, tally, null);
};
