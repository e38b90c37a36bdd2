/** What `status <id>` prints. */
import type { BatchState, Counts, Paid, Pause } from '../../contract.ts';
import { batchLabel, costRowText, fileRows, promptsText, tokensText } from './batch-rows.ts';
import { nextRows } from './next-rows.ts';
import { nextStep } from './next-steps.ts';
import { usdOf } from './number-text.ts';
import { createPaint } from './paint.ts';
import { pauseJson } from './progress-json.ts';
import { paintState, stateText } from './state-text.ts';
import { toTerminalText } from './terminal-text.ts';
import type { TextOptions } from './summary-text.ts';
import type { Row } from './text-table.ts';
import { labelledRows } from './text-table.ts';

/** Where the facts come from: the workflow itself, or, with no worker alive, the ledger and what Temporal remembers, or one of them alone. */
export type StatusSource = 'workflow' | 'ledger-and-temporal' | 'ledger' | 'temporal';

export interface BatchStatus {
  id: string;
  name: string;
  state: BatchState;
  pause: Pause | null;
  counts: Counts;
  paid: Paid;
  simulated: boolean;
  outputDir: string;
  /** Where that is, if it is not on this machine. */
  host?: string | null;
  /** ISO 8601, UTC: start of the first run. */
  startedAt: string;
  /** Of the newest report; null while there is none. */
  resultsFile: string | null;
  csvFile: string | null;
  webUiUrl: string | null;
  /** What its prompts in progress wait for, if all of them wait. */
  waiting: string | null;
  source: StatusSource;
}

const sourceNotes: Record<StatusSource, string | null> = {
  workflow: null,
  'ledger-and-temporal': 'the ledger and what Temporal remembers: no worker is there to ask',
  ledger: 'the ledger alone: the Temporal server does not know or answer for this batch',
  temporal: "what Temporal remembers: the batch's folder is not here, and no worker is there to ask",
};

/** How a finished batch ended is written down for good: nobody needs to be asked. */
const isFinal = (state: BatchState): boolean => ['succeeded', 'partly_failed', 'cancelled'].includes(state);

export function statusText(
  status: BatchStatus,
  { paint = createPaint(false), columns = Number.POSITIVE_INFINITY }: TextOptions = {},
): string {
  const { id, state, pause, counts, paid } = status;
  const source = isFinal(state) ? null : sourceNotes[status.source];
  const rows: Row[] = [
    { label: 'Batch', value: batchLabel(id, status.name) },
    { label: 'State', value: paintState(state, stateText(state, pause), paint), prose: true },
    ...(pause === null ? [] : [{ label: 'Since', value: pause.since }]),
    ...(status.waiting === null
      ? []
      : [{ label: 'Waiting', value: toTerminalText(status.waiting, 400), prose: true }]),
    { label: 'Prompts', value: promptsText(counts) },
    { label: 'Tokens', value: tokensText(paid), prose: true },
    { label: 'Cost', value: costRowText(paid, status.simulated) },
    { label: 'Started', value: status.startedAt },
    {
      label: 'Output',
      value: toTerminalText(status.outputDir + (status.host ? ` (on ${status.host})` : '')),
    },
    ...fileRows(status),
    ...(source === null ? [] : [{ label: 'Source', value: source, prose: true }]),
    ...nextRows(nextStep(state, pause, id), paint),
  ];
  const mark = status.simulated ? `${paint.yellow('[simulated]')}\n` : '';
  return mark + labelledRows(rows, columns);
}

/** The line of `status --json`, and each line of `list --json`. Costs are US dollars. */
export function statusJson(status: BatchStatus): Record<string, unknown> {
  const { counts, paid } = status;
  return {
    type: 'status',
    batch_id: status.id,
    batch_name: status.name,
    state: status.state,
    pause: pauseJson(status.pause),
    simulated: status.simulated,
    total: counts.total,
    pending: counts.pending,
    running: counts.running,
    succeeded: counts.succeeded,
    failed: counts.failed,
    not_run: counts.notRun,
    total_tokens: paid.usage.total,
    prompt_tokens: paid.usage.prompt,
    completion_tokens: paid.usage.completion,
    estimated_cost: usdOf(paid.costNanoUsd),
    started_at: status.startedAt,
    output_dir: status.outputDir,
    host: status.host ?? null,
    results_file: status.resultsFile,
    csv_file: status.csvFile,
    web_ui: status.webUiUrl,
    waiting: status.waiting,
    source: status.source,
    next_step: nextStep(status.state, status.pause, status.id),
  };
}
