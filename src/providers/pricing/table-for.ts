import type { RequestSettings } from '../../core/settings.ts';
import { providerById } from '../../prices/find-price.ts';
import type { PricedProvider, PriceTable } from '../../prices/price-table.ts';
import { billerOf } from './prices.ts';

/** Of a table, what a batch with these settings can be charged by: a few kilobytes. */
export function tableFor(
  table: PriceTable,
  settings: Pick<RequestSettings, 'provider' | 'baseUrl'>,
): PriceTable {
  const biller = billerOf(table, settings);
  const sellers = biller ? [biller, ...(biller.fallbacks ?? []).map((id) => providerById(table, id))] : [];
  const providers = sellers.filter((seller): seller is PricedProvider => seller !== undefined);
  const used = new Set(
    providers.flatMap(({ models }) =>
      models.flatMap(({ prices }) => prices.map(({ workdaysOf }) => workdaysOf)),
    ),
  );
  const calendars = Object.fromEntries(Object.entries(table.calendars).filter(([name]) => used.has(name)));
  return { ...table, calendars, providers };
}
