/** Rows that a batch's summary and its status share. */
import type { Counts } from '../../core/progress.ts';
import type { Paid } from '../../core/receipt.ts';
import type { PriceOverride } from '../../core/settings.ts';
import { costText, countText } from './number-text.ts';
import { toShownUrl } from './shown-url.ts';
import { toTerminalText } from './terminal-text.ts';
import type { Row } from './text-table.ts';

/** `310 succeeded · 2 failed` and what else there is, of `312 prompts`. */
export function promptsText(counts: Counts): string {
  const parts = [
    `${countText(counts.succeeded)} succeeded`,
    `${countText(counts.failed)} failed`,
    ...(counts.running > 0 ? [`${countText(counts.running)} in flight`] : []),
    ...(counts.pending > 0 ? [`${countText(counts.pending)} to do`] : []),
    ...(counts.notRun > 0 ? [`${countText(counts.notRun)} not run`] : []),
  ];
  return `${parts.join(' · ')} (of ${countText(counts.total)})`;
}

export function tokensText({ usage }: Paid): string {
  const reasoning = usage.reasoning > 0 ? `, ${countText(usage.reasoning)} of them reasoning` : '';
  const cached = usage.cached > 0 ? `, ${countText(usage.cached)} of them cached` : '';
  return `${countText(usage.total)} (prompt ${countText(usage.prompt)}${cached}; completion ${countText(usage.completion)}${reasoning})`;
}

/** `prices`: the user's own. */
export function costRowText(
  { costNanoUsd, usage }: Paid,
  simulated: boolean,
  prices: PriceOverride | null | undefined,
): string {
  if (simulated) return 'nothing: no provider was asked';
  // Which of them, the warnings say.
  if (costNanoUsd === null)
    return prices
      ? 'unknown: no token count came back with an answer'
      : 'unknown: a price or a token count is missing';
  // Whether there is a price shows with the first answer.
  if (costNanoUsd === 0 && usage.total === 0) return costText(0);
  return `${costText(costNanoUsd)} (${prices ? 'by your own prices' : 'estimated from list prices'})`;
}

export function batchLabel(batchId: string, batchName: string): string {
  const name = toTerminalText(batchName, 80);
  return name === '' || name === batchId ? batchId : `${batchId} (${name})`;
}

/** Where the results are and the batch can be seen, as far as there is something. */
export function fileRows(batch: {
  resultsFile: string | null;
  csvFile: string | null;
  failuresFile?: string | null;
  webUiUrl: string | null;
}): Row[] {
  const rows = [
    ['Results', batch.resultsFile],
    ['CSV', batch.csvFile],
    ['Failures', batch.failuresFile ?? null],
    ['Web UI', batch.webUiUrl],
  ] as const;
  return rows.flatMap(([label, place]) =>
    place === null ? [] : [{ label, value: label === 'Web UI' ? toShownUrl(place) : place }],
  );
}
