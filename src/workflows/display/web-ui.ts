/** What Temporal's Web UI shows of a batch besides its history. */
import type { BatchInput } from '../../core/batch-input.ts';
import type { BatchLayout } from '../../core/batch-layout.ts';
import type { BatchOutcome } from '../../core/outcome.ts';
import type { Progress } from '../../core/progress.ts';
import type { ShardReport } from '../../core/shard-protocol.ts';
import { rankedFailures } from '../../core/failure-counts.ts';
import { commandLine, idWord } from '../../core/command-line.ts';
import { nextStep } from '../../core/next-steps.ts';
import { shardRange } from '../../core/shard-range.ts';

/** Names a shard's row in the batch's timeline. */
export function shardSummaryOf(batch: BatchLayout, shard: number): string {
  const { first, last } = shardRange(batch, shard);
  return `prompts ${first}–${last} of ${batch.prompts}`;
}

/** Markdown for the current details of a shard's page. */
export function shardDetailsOf(report: ShardReport, prompts: number): string {
  const { succeeded, failed, paid, failuresByType } = report.tally;
  const waiting = prompts - succeeded - failed - report.running;
  return [
    `### ${numberText(succeeded + failed)} of ${numberText(prompts)} prompts`,
    '',
    `- ${succeeded} succeeded, ${failed} failed, ${report.running} in progress, ${waiting} waiting`,
    `- ${numberText(paid.usage.total)} tokens, ${costText(paid.costNanoUsd)}`,
    ...rankedFailures(failuresByType).map(({ type, count }) => `- ${count} × ${type}`),
  ].join('\n');
}

/** What the server takes as a summary, in bytes of UTF-8, as JSON. */
export const SUMMARY_BYTES = 200;

/** Controls, halves of characters, line breaks, and the marks that turn the direction of text around. */
const UNSHOWN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;

/** One line for the Web UI, cut to what the server takes, never through a character. */
export function summaryText(text: string, mostBytes: number = SUMMARY_BYTES): string {
  let summary = '';
  let bytes = 0;
  for (const character of text) {
    const shown = UNSHOWN.test(character) ? ' ' : character;
    bytes += shown === '"' || shown === '\\' ? 2 : utf8Length(shown);
    if (bytes > mostBytes) break;
    summary += shown;
  }
  return summary;
}

function utf8Length(character: string): number {
  const codePoint = character.codePointAt(0) ?? 0;
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}

/** The facts that stay readable when no worker lives to answer a query. */
export function memoOf(batch: BatchInput, progress: Progress, outcome: BatchOutcome | null) {
  const { state, pause, counts, failuresByType, paid } = progress;
  const { resultsFile, csvFile, failuresFile } = outcome ?? {};
  return {
    ...{ state, pause, counts, failuresByType, paid },
    next: nextText(batch, progress, failuresFile),
    ...(outcome && { results: { resultsFile, csvFile, failuresFile } }),
  };
}

/** What a person should do, also one who finds no worker on the batch. */
function nextText(
  { batchId }: BatchInput,
  { state, pause, budget, failuresByType }: Progress,
  failuresFile: string | null | undefined,
): string {
  const failed = { failuresByType, failuresFile };
  const { advice, command } = nextStep(state, pause, batchId, budget?.maxCostNanoUsd, failed);
  const text = command === null ? advice : `${advice} ${command}`;
  if (state !== 'running') return text;
  return `${text} (if no worker is on it any more, since its command was stopped or died: ${commandLine`durabatch resume ${idWord(batchId)}`})`;
}

export const numberText = (count: number): string => count.toLocaleString('en-US');

/** Of an ISO 8601 time, to the second. */
export const timeText = (iso: string): string => `${iso.slice(0, 19).replace('T', ' ')} UTC`;

/** Without a dollar sign: the page takes what stands between two of them for a formula. */
export const costText = (nanoUsd: number | null): string =>
  nanoUsd === null ? 'cost unknown' : `USD ${(nanoUsd / 1e9).toFixed(4)}`;

/**
 * A text from outside as Markdown that shows it as it is: no link, image or HTML of a prompts file or a
 * provider may come alive on the page. Cut to `mostCharacters`, and to `mostBytes` with its quotes.
 */
export function quoted(
  text: string,
  mostBytes: number = Number.POSITIVE_INFINITY,
  mostCharacters: number = 200,
): string {
  const head = Array.from(text.slice(0, 2 * mostCharacters))
    .slice(0, mostCharacters)
    .join('');
  return `\`${summaryText(head.replaceAll(/[`\s]+/g, ' '), mostBytes - 2) || ' '}\``;
}
