/** What is printed when a command leaves a batch: finished, cancelled or paused. */
import type { BatchState, Counts, Pause } from '../../core/progress.ts';
import type { Paid } from '../../core/receipt.ts';
import type { RunLimits } from '../../core/settings.ts';
import { type BillTally, toReportBill } from '../../store/digests/bill-tally.ts';
import { failureStep } from '../../store/digests/failure-advice.ts';
import { type FailureGroup, toReportFailure } from '../../store/digests/failure-tally.ts';
import { batchLabel, costRowText, fileRows, promptsText, tokensText } from './batch-rows.ts';
import { billText } from './bill-text.ts';
import { durationText } from './duration-text.ts';
import { nextRows } from './next-rows.ts';
import type { CommandLine, ShellWord } from '../../core/command-line.ts';
import { nextStep, type NextStep } from '../../core/next-steps.ts';
import { successRate } from '../../report/summary.ts';
import { SIMULATED_WARNING } from '../../report/tally/warnings.ts';
import { countText, plural, usdOf } from './number-text.ts';
import type { Paint } from './paint.ts';
import { createPaint } from './paint.ts';
import { pauseJson } from './progress/progress-json.ts';
import { statePainter, stateText } from './state-text.ts';
import { type TerminalText, terminalLines } from '../../system/terminal-output.ts';
import { toTerminalText } from './terminal-text.ts';
import type { Row } from './text-table.ts';
import { labelledRows, wrapped } from './text-table.ts';
import { asTyped } from '../../system/typed-command.ts';

export interface BatchSummary {
  batchId: string;
  batchName: string;
  state: BatchState;
  pause: Pause | null;
  counts: Counts;
  paid: Paid;
  bill: BillTally;
  /** Sum over the batch's runs, without the time they were paused or had no worker. */
  durationMs: number;
  pausedMs: number;
  /** Without a worker, and not paused. */
  idleMs: number;
  provider: string;
  model: string;
  simulated: boolean;
  limits: Pick<RunLimits, 'prices' | 'maxCostNanoUsd'>;
  /** Absent while there is no report. */
  resultsFile: string | null;
  csvFile: string | null;
  /** The prompts that failed, as a file to run. */
  failuresFile: string | null;
  webUiUrl: string | null;
  /** Command that stops the embedded server; null where the server is not ours. */
  stopServerCommand: CommandLine | null;
  /** Flags of `run` for the same settings. */
  runFlags: readonly ShellWord[];
  failures: FailureGroup[];
  warnings: string[];
  /** ISO 8601, UTC. */
  timestamp: string;
}

const EXAMPLES_SHOWN = 3;
const SIMULATED_NOTICE = '[simulated] These answers were made up on this machine; no model was asked.';

/** `columns`: width to wrap prose to; by default nothing is wrapped. */
export interface TextOptions {
  paint?: Paint;
  columns?: number;
}

export function summaryText(
  summary: BatchSummary,
  { paint = createPaint(false), columns = Number.POSITIVE_INFINITY }: TextOptions = {},
): TerminalText {
  const { batchId, state, pause, counts, paid } = summary;
  const bill = billText(summary.bill, summary.simulated);
  const rows: Row[] = [
    { label: 'Batch', value: batchLabel(batchId, summary.batchName) },
    { label: 'State', value: stateText(state, pause), prose: true, painted: statePainter(state, paint) },
    { label: 'Prompts', value: promptsText(counts) },
    { label: 'Tokens', value: tokensText(paid), prose: true },
    { label: 'Cost', value: costRowText(paid, summary.simulated, summary.limits.prices) },
    ...(bill === null ? [] : [{ label: 'Bill', value: bill }]),
    { label: 'Duration', value: workText(summary) },
    { label: 'Model', value: `${toTerminalText(summary.model, 80)} (${summary.provider})` },
    ...fileRows(summary),
  ];
  if (summary.stopServerCommand !== null) {
    rows.push({ label: 'Server', value: `still running; to stop it: ${asTyped(summary.stopServerCommand)}` });
  }
  if (state !== 'succeeded') rows.push(...nextRows(nextStepOf(summary), paint));
  const warnings = summary.warnings.filter((warning) => warning !== SIMULATED_WARNING);
  const notices = warnings.map((warning) => `warning: ${toTerminalText(warning, 500)}`);
  return terminalLines([
    ...(summary.simulated ? wrapped(SIMULATED_NOTICE, columns).map(paint.yellow) : []),
    ...labelledRows(rows, columns),
    ...notices.flatMap((notice) => wrapped(notice, columns)).map(paint.yellow),
    ...summary.failures.flatMap((group) => failureLines(group, summary.batchId, paint, columns)),
  ]);
}

/** Less than a second paused or without a worker is not shown. */
function workText({ durationMs, pausedMs, idleMs }: BatchSummary): string {
  const others = [
    ...(pausedMs < 1000 ? [] : [`${durationText(pausedMs)} paused`]),
    ...(idleMs < 1000 ? [] : [`${durationText(idleMs)} without a worker`]),
  ];
  const work = durationText(durationMs);
  return others.length === 0 ? work : [`${work} at work`, ...others].join(', ');
}

function failureLines(group: FailureGroup, batchId: string, paint: Paint, columns: number): string[] {
  const examples = group.examples.slice(0, EXAMPLES_SHOWN);
  const shown = examples.map(({ promptId, message }) =>
    toTerminalText(`${promptId}: ${message}`, Math.min(240, columns - 2)),
  );
  const more = group.count - examples.length;
  return [
    paint.red(`${plural(group.count, 'prompt')} failed with ${group.type}`),
    ...wrapped(failureStep(group.type, batchId), columns - 2).map((line) => `  ${line}`),
    ...shown.map((line) => paint.dim(`  ${line}`)),
    ...(more > 0 ? [`  … and ${countText(more)} more, in the results`] : []),
  ];
}

function nextStepOf({
  state,
  pause,
  batchId,
  limits,
  failures,
  failuresFile,
  runFlags,
}: BatchSummary): NextStep {
  const failuresByType = Object.fromEntries(failures.map(({ type, count }) => [type, count]));
  return nextStep(state, pause, batchId, limits.maxCostNanoUsd, { failuresByType, failuresFile, runFlags });
}

/** The last line of `--json`: the report's summary, with the ways to go on. Costs are US dollars. */
export function summaryJson(summary: BatchSummary): Record<string, unknown> {
  const { counts, paid } = summary;
  return {
    type: 'summary',
    timestamp: summary.timestamp,
    batch_id: summary.batchId,
    batch_name: summary.batchName,
    state: summary.state,
    pause: pauseJson(summary.pause),
    total_items: counts.total,
    successful_items: counts.succeeded,
    failed_items: counts.failed,
    not_run_items: counts.notRun,
    success_rate: successRate(counts.succeeded, counts.total),
    total_tokens: paid.usage.total,
    prompt_tokens: paid.usage.prompt,
    completion_tokens: paid.usage.completion,
    estimated_cost: usdOf(paid.costNanoUsd),
    bill: toReportBill(summary.bill),
    duration_seconds: summary.durationMs / 1000,
    paused_seconds: summary.pausedMs / 1000,
    idle_seconds: summary.idleMs / 1000,
    model: summary.model,
    provider: summary.provider,
    simulated: summary.simulated,
    results_file: summary.resultsFile,
    csv_file: summary.csvFile,
    failures_file: summary.failuresFile,
    web_ui: summary.webUiUrl,
    next_step: nextStepOf(summary),
    warnings: summary.warnings,
    failures: summary.failures.map((group) => toReportFailure(group, summary.batchId)),
  };
}
