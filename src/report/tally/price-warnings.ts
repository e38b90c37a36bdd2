/** What a reader of the costs must know of the price table they were computed with, one sentence each. */
import { ageInDays, MAX_AGE_DAYS, type PriceTable } from '../../prices/price-table.ts';
import { unlistedYear } from '../../prices/work-calendar.ts';
import { type PriceKey, pricedModelOf } from '../../providers/pricing/prices.ts';
import { toUsedPrices } from './price-tally.ts';
import type { ReportSource } from '../report-source.ts';
import type { Tally } from './tally.ts';

export function priceWarnings({ manifest, priceTable, timestamp }: ReportSource, tally: Tally): string[] {
  const used = toUsedPrices(tally.prices).filter(({ source }) => source === 'table');
  if (!priceTable || used.length === 0) return [];
  const begin = manifest.runs.at(-1)?.started_at ?? timestamp.toISOString();
  const { provider, baseUrl } = manifest.settings;
  const years = used.flatMap((price) =>
    yearsWithoutHolidays({ provider, baseUrl, model: price.model, table: priceTable }, [
      new Date(price.first_used),
      new Date(price.last_used),
    ]),
  );
  return [...oldTableWarning(priceTable, new Date(begin)), ...yearWarning(years)];
}

export function oldTableWarning(table: PriceTable, at: Date): string[] {
  const age = ageInDays(table, at);
  if (age <= MAX_AGE_DAYS) return [];
  return [
    `The price table is of ${table.date}, ${age} days before the run: prices may have changed since. Install a newer durabatch, or let the next run fetch the day's prices.`,
  ];
}

/** Years of these moments in which a model's price depends on holidays that nobody has listed. */
export function yearsWithoutHolidays(
  key: PriceKey & { table: PriceTable },
  moments: readonly Date[],
): string[] {
  const names = new Set(pricedModelOf(key)?.prices.map(({ workdaysOf }) => workdaysOf));
  return [...names].flatMap((name) => {
    const calendar = key.table.calendars[name ?? ''];
    return calendar ? moments.flatMap((at) => unlistedYear(calendar, at) ?? []) : [];
  });
}

export const yearWarning = (years: readonly string[]): string[] =>
  years.length === 0
    ? []
    : [
        `The public holidays of ${[...new Set(years)].join(' and ')} are not in the price table: every day from Monday to Friday counts as a working day, with its peak hours. On holidays the provider charges less.`,
      ];
