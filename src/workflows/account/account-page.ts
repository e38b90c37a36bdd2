/** What Temporal's Web UI shows of an account besides its history. */
import type { AccountView, Rates } from '../../core/lease.ts';
import { quoted } from '../display/web-ui.ts';

/** Markdown for the current details of an account's page. */
export function accountDetailsOf(name: string, { limits, batches }: AccountView): string {
  return [
    `### Account ${quoted(name)}: ${ratesText(limits)}`,
    '',
    'Leased for a few seconds at a time, in fair parts, to the batches that name it.',
    '',
    '| batch | may send now | names |',
    '|---|---|---|',
    ...batches.map(
      ({ batchId, rates, limits: named }) =>
        `| ${quoted(batchId)} | ${ratesText(rates)} | ${ratesText(named)} |`,
    ),
  ].join('\n');
}

/** `600 requests and 90000 tokens a minute`. */
export function ratesText({ requests, tokens }: Rates): string {
  const parts = [
    ...(requests === null ? [] : [`${rounded(requests)} requests`]),
    ...(tokens === null ? [] : [`${rounded(tokens)} tokens`]),
  ];
  return parts.length === 0 ? 'no limit' : `${parts.join(' and ')} a minute`;
}

/** To a whole number where it has three digits, and never to 0. */
const rounded = (rate: number): string =>
  rate >= 100 ? String(Math.round(rate)) : String(Number(rate.toPrecision(2)));
