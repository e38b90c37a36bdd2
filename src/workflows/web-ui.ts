/** What Temporal's Web UI shows of a batch besides its history. */
import type { BatchInput, BatchLayout, Progress, ShardAccount } from '../contract.ts';
import { shardRange } from './shard-range.ts';

/** Markdown for the page's current details. Cells are kept short, and what comes from outside is quoted. */
export function detailsOf(batch: BatchInput, progress: Progress): string {
  const { counts, paid, pause } = progress;
  const { request } = batch.settings;
  const done = counts.succeeded + counts.failed;
  const percent = counts.total > 0 ? Math.floor((100 * done) / counts.total) : 0;
  const lines = [
    `### ${progress.state}${request.provider === 'simulated' ? ' (simulated)' : ''}: ${done} of ${counts.total} prompts, ${percent} %`,
    '',
    ...(pause
      ? [
          `**Paused (${pause.reason}) since ${pause.since}:** ${quoted(pause.message)}${pause.by === undefined ? '' : `, by ${quoted(pause.by)}`}`,
          '',
          `Continue with \`durabatch resume ${batch.batchId}\``,
          '',
        ]
      : []),
    '| succeeded | failed | in progress | waiting | tokens | cost |',
    '|--:|--:|--:|--:|--:|--:|',
    `| ${counts.succeeded} | ${counts.failed} | ${counts.running} of ${progress.maxWorkers} | ${counts.pending} | ${paid.usage.total} | ${costOf(paid.costNanoUsd)} |`,
    '',
    `${progress.promptsPerSecond.toFixed(1)} prompts/s${progress.etaSeconds === null ? '' : `, about ${Math.ceil(progress.etaSeconds)} s to go`}`,
  ];
  if (progress.lastFailures.length > 0) {
    lines.push('', '**Last failures**', '');
    for (const { promptId, type, message } of progress.lastFailures) {
      lines.push(`- ${quoted(promptId)}: ${type}: ${quoted(message)}`);
    }
  }
  return lines.join('\n');
}

/** Names a shard's row in the batch's timeline. */
export function shardSummaryOf(batch: BatchLayout, shard: number): string {
  const { first, last } = shardRange(batch, shard);
  return `prompts ${first}–${last} of ${batch.prompts}`;
}

/** Markdown for the current details of a shard's page. */
export function shardDetailsOf(account: ShardAccount, prompts: number): string {
  const { succeeded, failed, paid } = account.tally;
  return [
    `### ${succeeded + failed} of ${prompts} prompts`,
    '',
    '| succeeded | failed | in progress | waiting | tokens | cost |',
    '|--:|--:|--:|--:|--:|--:|',
    `| ${succeeded} | ${failed} | ${account.running} | ${prompts - succeeded - failed - account.running} | ${paid.usage.total} | ${costOf(paid.costNanoUsd)} |`,
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
export const memoOf = (progress: Progress): Record<string, unknown> => ({
  state: progress.state,
  pause: progress.pause,
  counts: progress.counts,
  paid: progress.paid,
});

const costOf = (nanoUsd: number | null): string =>
  nanoUsd === null ? 'unknown' : `$${(nanoUsd / 1e9).toFixed(4)}`;

/**
 * A text from outside as Markdown that shows it as it is: no link, image or HTML of a prompts file or a
 * provider may come alive on the page. Cut to 200 characters, and to `mostBytes` with its quotes.
 */
export function quoted(text: string, mostBytes: number = Number.POSITIVE_INFINITY): string {
  const head = Array.from(text.slice(0, 400)).slice(0, 200).join('');
  return `\`${summaryText(head.replaceAll(/[`\s]+/g, ' '), mostBytes - 2) || ' '}\``;
}
