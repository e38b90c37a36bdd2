/** The price table that comes with the program. `scripts/update-prices.mjs` makes it. */
import prices from './tables/prices.json' with { type: 'json' };
import type { PriceTable } from './price-table.ts';

export const bundledTable = prices as unknown as PriceTable;
