/** What a reader of the costs must know of the price table they were computed with, one sentence each. */
import { ageInDays, MAX_AGE_DAYS, type PriceTable } from '../prices/price-table.ts';
import { unlistedYear } from '../prices/work-calendar.ts';
import { pricedModelOf } from '../providers/prices.ts';
import { toUsedPrices, type UsedPrice } from './price-tally.ts';
import type { ReportSource } from './report-source.ts';
import type { Tally } from './tally.ts';

export function priceWarnings({ manifest, priceTable, timestamp }: ReportSource, tally: Tally): string[] {
  const used = toUsedPrices(tally.prices).filter(({ source }) => source === 'table');
  if (!priceTable || used.length === 0) return [];
  const begin = manifest.runs.at(-1)?.started_at ?? timestamp.toISOString();
  const { provider, baseUrl } = manifest.settings;
  const years = used.flatMap((price) =>
    yearsWithoutHolidays(priceTable, price, { provider, baseUrl, model: price.model, table: priceTable }),
  );
  return [...oldTableWarning(priceTable, new Date(begin)), ...yearWarning([...new Set(years)])];
}

export function oldTableWarning(table: PriceTable, at: Date): string[] {
  const age = ageInDays(table, at);
  if (age <= MAX_AGE_DAYS) return [];
  return [
    `The price table is of ${table.date}, ${age} days before the run: prices may have changed since. A newer durabatch has a newer one, and so has a run that may fetch it.`,
  ];
}

/** Years in which a price was used that depends on holidays nobody has listed. */
function yearsWithoutHolidays(
  { calendars }: PriceTable,
  { first_used, last_used }: UsedPrice,
  key: Parameters<typeof pricedModelOf>[0],
): string[] {
  const names = pricedModelOf(key)?.prices.map(({ workdaysOf }) => workdaysOf) ?? [];
  return [...new Set(names)].flatMap((name) => {
    const calendar = calendars[name ?? ''];
    if (!calendar) return [];
    return [first_used, last_used].flatMap((at) => unlistedYear(calendar, new Date(at)) ?? []);
  });
}

const yearWarning = (years: readonly string[]): string[] =>
  years.length === 0
    ? []
    : [
        `The public holidays of ${years.join(' and ')} are not in the price table: every day from Monday to Friday was charged as a working day, with its peak hours. On holidays the provider charges less.`,
      ];
