import type { BatchInput } from '../../core/batch-input.ts';
import type { BatchOutcome } from '../../core/outcome.ts';
import type { Progress, RunState } from '../../core/progress.ts';
import { rankedFailures } from '../../core/failure-counts.ts';
import { commandLine, idWord } from '../../core/command-line.ts';
import { nextStep } from '../../core/next-steps.ts';
import { costText, numberText, quoted, timeText } from './web-ui.ts';

const headings: Record<RunState, string> = {
  running: 'Running',
  paused: 'Paused',
  cancelling: 'Being cancelled',
  succeeded: 'Succeeded',
  partly_failed: 'Finished, some prompts failed',
  cancelled: 'Cancelled',
};

/**
 * Markdown for the page's current details: lists, since the page gives tables no room between their columns.
 * Items are kept short, and what comes from outside is quoted. `outcome`: once the report is written.
 */
export function detailsOf(batch: BatchInput, progress: Progress, outcome: BatchOutcome | null): string {
  const { state, pause, budget, failuresByType } = progress;
  const { request } = batch.settings;
  const failed = { failuresByType, failuresFile: outcome?.failuresFile };
  const { advice, command } = nextStep(state, pause, batch.batchId, budget?.maxCostNanoUsd, failed);
  return [
    `### ${headings[state]}${pause ? ` (${pause.reason})` : ''}: ${doneText(progress)}`,
    '',
    ...(request.provider === 'simulated' ? ['**Simulated:** no model is asked, nothing is paid.', ''] : []),
    ...(pause
      ? [
          `**Why, since ${timeText(pause.since)}:** ${quoted(pause.message, 600, 500)}${pause.by === undefined ? '' : `, by ${quoted(pause.by)}`}`,
          '',
        ]
      : []),
    `**Next:** ${advice}${command === null ? '' : ` ${quoted(command, 1000, 500)}`}`,
    '',
    ...numbersOf(progress),
    ...failuresOf(progress),
    '',
    ...(outcome ? filesOf(batch, outcome) : [resultsText(batch, state)]),
    '',
    `${aboutText(batch, progress)}; run ${batch.run}${batch.startedAt === undefined ? '' : `, since ${timeText(batch.startedAt)}`}`,
  ].join('\n');
}

function doneText({ counts }: Progress): string {
  const done = counts.succeeded + counts.failed;
  const percent = counts.total > 0 ? Math.floor((100 * done) / counts.total) : 0;
  return `${numberText(done)} of ${numberText(counts.total)} prompts, ${percent} %`;
}

function numbersOf({
  counts,
  paid,
  budget,
  maxWorkers,
  autoWorkers,
  promptsPerSecond,
  etaSeconds,
  state,
}: Progress): string[] {
  const places = [
    `${numberText(counts.succeeded)} succeeded`,
    `${numberText(counts.failed)} failed`,
    ...(counts.notRun > 0 ? [`${numberText(counts.notRun)} not run`] : []),
    ...(isOver(state)
      ? []
      : [`${numberText(counts.running)} in progress`, `${numberText(counts.pending)} waiting`]),
  ];
  const pace = [
    ...(promptsPerSecond === 0 ? [] : [`${promptsPerSecond.toFixed(1)} prompts/s`]),
    ...(etaSeconds === null ? [] : [`about ${spanText(etaSeconds)} to go`]),
  ].join(', ');
  return [
    `- ${places.join(', ')}`,
    `- ${numberText(paid.usage.total)} tokens, ${costText(paid.costNanoUsd)}${budget ? ` (with what is possibly paid ${costText(budget.spentNanoUsd)} of at most ${costText(budget.maxCostNanoUsd)})` : ''}`,
    ...(isOver(state) ? [] : [`- ${concurrencyText(maxWorkers, autoWorkers)}`]),
    ...(state === 'running' && pace !== '' ? [`- ${pace}`] : []),
  ];
}

function concurrencyText(maxWorkers: number, autoWorkers: Progress['autoWorkers']): string {
  if (!autoWorkers) return `at most ${numberText(maxWorkers)} prompts in progress at once`;
  const { slots, ceiling, reason } = autoWorkers;
  return `at once: ${numberText(slots)} of at most ${numberText(ceiling)} prompts (${quoted(reason)})`;
}

function failuresOf({ failuresByType, lastFailures }: Progress): string[] {
  const types = rankedFailures(failuresByType).map(({ type, count }) => `- ${numberText(count)} × ${type}`);
  const last = lastFailures.map(
    ({ promptId, type, message }) => `- ${quoted(promptId)}: ${type}: ${quoted(message)}`,
  );
  return [
    ...(types.length > 0 ? ['', '**Failed prompts, by type**', '', ...types] : []),
    ...(last.length > 0 ? ['', '**Last failures**', '', ...last] : []),
  ];
}

function resultsText({ batchId, store, host }: BatchInput, state: RunState): string {
  const report = `\`${commandLine`durabatch report ${idWord(batchId)}`}\``;
  if (isOver(state)) return `**Results:** could not be written; to write them: ${report}`;
  const folder = `${quoted(store.outputDir, 1000, 500)}${host === undefined ? '' : ` on ${quoted(host)}`}`;
  return `**Results:** at the end, in ${folder}; those so far: ${report}`;
}

function filesOf({ host }: BatchInput, outcome: BatchOutcome): string[] {
  const { resultsFile, csvFile, failuresFile, warnings } = outcome;
  return [
    `**Results**${host === undefined ? '' : ` on ${quoted(host)}`}`,
    '',
    ...[resultsFile, csvFile].map((file) => `- ${quoted(file, 1000, 500)}`),
    ...(failuresFile === null
      ? []
      : [`- the failed prompts, as a file to run: ${quoted(failuresFile, 1000, 500)}`]),
    ...warnings.slice(0, WARNINGS_SHOWN).map((warning) => `- warning: ${quoted(warning)}`),
  ];
}

const WARNINGS_SHOWN = 5;

/** What the batch is, in one line. After continue-as-new the page has no other place that says so. */
const aboutText = ({ name, settings: { request } }: BatchInput, { counts }: Progress): string =>
  `${quoted(name)}: ${numberText(counts.total)} prompts × ${request.completions}, ${request.provider}, model ${quoted(request.model)}`;

const isOver = (state: RunState): boolean =>
  state === 'succeeded' || state === 'partly_failed' || state === 'cancelled';

function spanText(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
