/** What became of the money, in a few lines beside the cost. */
import type { BillTally } from '../../store/digests/bill-tally.ts';
import { type MoneySum, moneyTotal } from '../../core/money.ts';
import { costText, plural } from './number-text.ts';
import { padToWidth, textWidth } from './text-width.ts';

/** `null` where there is nothing to tell beyond the cost itself: everything paid was kept. */
export function billText(bill: BillTally, simulated: boolean): string[] | null {
  const { kept, discarded, possiblyPaid, cacheSaving, reused } = bill;
  const lines: [string, string][] = [];
  if (!simulated) {
    if (isWorthTelling(discarded)) lines.push(['discarded or failed', amount(discarded)]);
    if (requestsOf(possiblyPaid) > 0) {
      const most = possiblyPaid.unknown > 0 ? '' : 'at most ';
      const requests = plural(requestsOf(possiblyPaid), 'request');
      lines.push(['possibly paid', `${most}${amount(possiblyPaid)} (${requests} whose answer was lost)`]);
    }
    if (cacheSaving.knownNanoUsd > 0n) lines.push(['saved by cached input', amount(cacheSaving)]);
  }
  if (reused > 0) lines.push(['reused', `${plural(reused, 'completion')} of earlier batches`]);
  if (lines.length === 0) return null;
  if (!simulated && isWorthTelling(kept)) lines.unshift(['kept', amount(kept)]);
  const width = Math.max(...lines.map(([label]) => textWidth(label))) + 2;
  return lines.map(([label, value]) => padToWidth(label, width) + value);
}

const requestsOf = ({ known, unknown }: MoneySum): number => known + unknown;

const isWorthTelling = (sum: MoneySum): boolean => sum.knownNanoUsd > 0n || sum.unknown > 0;

function amount(sum: MoneySum): string {
  const total = moneyTotal(sum);
  if (total !== null) return costText(Number(total));
  return sum.known === 0 ? 'unknown' : `unknown, ${costText(Number(sum.knownNanoUsd))} of it known`;
}
