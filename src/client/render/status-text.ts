/** What `status <id>` prints. */
import type { BatchState, Counts, Pause, Progress } from '../../core/progress.ts';
import type { FailureCounts, Paid } from '../../core/receipt.ts';
import type { RunLimits } from '../../core/settings.ts';
import { type Destination, isSimulated, unusualAddress } from '../../providers/destination.ts';
import { rankedFailures } from '../../core/failure-counts.ts';
import { batchLabel, costRowText, fileRows, promptsText, tokensText } from './batch-rows.ts';
import { limitsJson, limitsText } from './limits-text.ts';
import { nextRows } from './next-rows.ts';
import type { ShellWord } from '../../core/command-line.ts';
import { nextStep, type NextStep } from '../../core/next-steps.ts';
import { countText, usdOf } from './number-text.ts';
import { createPaint } from './paint.ts';
import { paceFacts } from './progress/progress-facts.ts';
import { pauseJson } from './progress/progress-json.ts';
import { statePainter, stateText } from './state-text.ts';
import { type TerminalText, terminalLines } from '../../system/terminal-output.ts';
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
  failuresByType: FailureCounts;
  paid: Paid;
  simulated: boolean;
  outputDir: string;
  /** Where it sends its prompts, and which key goes along; `null`: only its folder tells. */
  destination: Destination | null;
  /** The machine that has this folder; `null`: it is here. */
  folderHost: string | null;
  /** Its folder was on this machine, and is not there any more. */
  folderIsGone: boolean;
  /** ISO 8601, UTC: start of the first run. */
  startedAt: string;
  /** Of the newest report; null while there is none. */
  resultsFile: string | null;
  csvFile: string | null;
  failuresFile: string | null;
  /** Flags of `run` for the same settings; empty where they are not known. */
  runFlags: readonly ShellWord[];
  webUiUrl: string | null;
  /** What its prompts in progress wait for, if all of them wait. */
  waiting: string | null;
  /** Of its present or next run; `null`: only its folder tells them. */
  limits: RunLimits | null;
  /** What its workflow tells of itself, where somebody has asked it. */
  told: Pick<Progress, 'promptsPerSecond' | 'etaSeconds' | 'budget'> | null;
  /** What it may send under its account's limits, while it runs; `null` where it has none. */
  account: string | null;
  /** How its run was ended from outside, before its end; null: it was not. */
  endedOutside: string | null;
  source: StatusSource;
  /** A worker is on it, and has not answered in time: what is told is what is written down. */
  workerIsSilent: boolean;
}

const sourceNotes: Record<StatusSource, string | null> = {
  workflow: null,
  'ledger-and-temporal': 'the ledger and Temporal; no worker is on the batch',
  ledger: 'the ledger only; the Temporal server does not know this batch or does not answer',
  temporal: 'Temporal, at the last change of state; no worker is on the batch, and its folder is not here',
};

/** In their place where a worker is there. */
const silentNotes: Partial<Record<StatusSource, string>> = {
  'ledger-and-temporal': 'the ledger and Temporal; its worker is busy and has not answered in time',
  temporal:
    'Temporal, at the last change of state; its worker is busy and has not answered in time, and its folder is not here',
};

/** How a finished batch ended is written down for good: nobody needs to be asked. */
const isFinal = (state: BatchState): boolean => ['succeeded', 'partly_failed', 'cancelled'].includes(state);

export function statusText(
  status: BatchStatus,
  { paint = createPaint(false), columns = Number.POSITIVE_INFINITY }: TextOptions = {},
): TerminalText {
  const { id, state, pause, counts, paid } = status;
  const source = isFinal(state) ? null : sourceNoteOf(status);
  const rows: Row[] = [
    { label: 'Batch', value: batchLabel(id, status.name) },
    { label: 'State', value: stateOf(status), prose: true, painted: statePainter(state, paint) },
    ...(pause === null ? [] : [{ label: 'Since', value: pause.since }]),
    ...(status.waiting === null
      ? []
      : [{ label: 'Waiting', value: toTerminalText(status.waiting, 400), prose: true }]),
    ...(status.account === null ? [] : [{ label: 'Account', value: status.account, prose: true }]),
    ...(status.limits === null
      ? []
      : [{ label: 'Limits', value: limitsText(status.limits, status.told?.budget, paid), prose: true }]),
    ...destinationRows(status.destination),
    { label: 'Prompts', value: promptsText(counts) },
    ...paceRows(status),
    ...failureRows(status.failuresByType),
    { label: 'Tokens', value: tokensText(paid), prose: true },
    { label: 'Cost', value: costRowText(paid, status.simulated, status.limits?.prices) },
    { label: 'Started', value: status.startedAt },
    { label: 'Output', value: outputText(status) },
    ...fileRows(status),
    ...(source === null ? [] : [{ label: 'Source', value: source, prose: true }]),
    ...nextRows(nextStepOf(status), paint),
  ];
  const mark = status.simulated ? [paint.yellow('[simulated]')] : [];
  return terminalLines([...mark, ...labelledRows(rows, columns)]);
}

const sourceNoteOf = ({ source, workerIsSilent }: BatchStatus): string | null =>
  (workerIsSilent ? silentNotes[source] : null) ?? sourceNotes[source];

const stateOf = ({ state, pause, endedOutside }: BatchStatus): string =>
  state === 'crashed' && endedOutside !== null
    ? `crashed (its run was ended in Temporal: ${toTerminalText(endedOutside, 400)})`
    : stateText(state, pause);

function paceRows({ state, told, counts }: BatchStatus): Row[] {
  if (told === null || state !== 'running') return [];
  const pace = paceFacts({ ...told, state, counts });
  return pace === null ? [] : [{ label: 'Pace', value: `${pace.rate} · ${pace.eta}` }];
}

function destinationRows(destination: Destination | null): Row[] {
  if (destination === null || isSimulated(destination)) return [];
  const { baseUrl, apiKeyEnv } = destination;
  const unusual = unusualAddress(destination);
  const key = apiKeyEnv === '' ? 'without a key' : `with the key in ${toTerminalText(apiKeyEnv, 80)}`;
  const note = unusual === null ? '' : '; not the usual address of ' + destination.provider;
  return [{ label: 'Sends to', value: `${toTerminalText(baseUrl)} ${key}${note}`, prose: true }];
}

const failureRows = (counts: FailureCounts): Row[] => {
  const value = rankedFailures(counts)
    .map(({ type, count }) => `${countText(count)} × ${type}`)
    .join(' · ');
  return value === '' ? [] : [{ label: 'Failed', value, prose: true }];
};

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
    failures_by_type: status.failuresByType,
    total_tokens: paid.usage.total,
    prompt_tokens: paid.usage.prompt,
    completion_tokens: paid.usage.completion,
    estimated_cost: usdOf(paid.costNanoUsd),
    started_at: status.startedAt,
    provider: status.destination?.provider ?? null,
    base_url: status.destination?.baseUrl || null,
    api_key_env: status.destination?.apiKeyEnv || null,
    output_dir: status.outputDir,
    folder_host: status.folderHost,
    folder_gone: status.folderIsGone,
    results_file: status.resultsFile,
    csv_file: status.csvFile,
    web_ui: status.webUiUrl,
    waiting: status.waiting,
    account: status.account,
    limits: status.limits && limitsJson(status.limits),
    prompts_per_second: status.told?.promptsPerSecond ?? null,
    eta_seconds: status.told?.etaSeconds ?? null,
    spent_or_possibly: usdOf(status.told?.budget?.spentNanoUsd ?? null),
    ended_outside: status.endedOutside,
    source: status.source,
    worker_silent: status.workerIsSilent,
    next_step: nextStepOf(status),
  };
}

function outputText({ outputDir, folderHost, folderIsGone }: BatchStatus): string {
  if (folderIsGone) return `${outputDir}, where the batch is not any more`;
  return folderHost === null ? outputDir : `${outputDir} on ${toTerminalText(folderHost, 80)}, not here`;
}

/** What only a worker at the folder can do is to be typed there. */
function nextStepOf(status: BatchStatus): NextStep {
  const { id, state, pause, folderHost, source, limits, told } = status;
  const cap = told?.budget?.maxCostNanoUsd ?? limits?.maxCostNanoUsd;
  const step = nextStep(state, pause, id, cap, status);
  if (folderHost === null || step.command === null || source === 'workflow') return step;
  if (status.folderIsGone)
    return {
      ...step,
      advice: 'Its folder is gone from this machine. Put it back to continue.',
      command: null,
    };
  const host = toTerminalText(folderHost, 80);
  return { ...step, advice: `${step.advice.replace(/:$/, '')}, on ${host} where its folder is:` };
}
