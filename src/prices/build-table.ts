/** A price table from genai-prices' data and our overlay: the same for the bundled one and for one that was fetched. */
import { fromGenaiPrices } from './from-genai-prices.ts';
import { overlayCalendars, withOverlay } from './overlay.ts';
import type { PriceTable } from './price-table.ts';

/** @throws ZodError where the data have a format that is not known. */
export const buildPriceTable = (
  raw: unknown,
  { date, source }: Pick<PriceTable, 'date' | 'source'>,
): PriceTable => ({
  format: 1,
  date,
  source,
  calendars: overlayCalendars,
  providers: withOverlay(fromGenaiPrices(raw)),
});
