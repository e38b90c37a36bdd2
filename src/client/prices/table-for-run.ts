/** By which prices a run that starts now is charged. */
import type { Config } from '../../config.ts';
import type { PriceTable } from '../../prices/price-table.ts';
import type { Manifest } from '../../store/manifest/manifest.ts';

/** Of the newest table at hand, what this batch can be charged by. One that another version has fetched may be of another form. */
export async function tableForRun(config: Config, settings: Manifest['settings']): Promise<PriceTable> {
  const [{ tableAtHand }, { tableFor }, { bundledTable }, { priceTableSchema }] = await Promise.all([
    import('./price-updates.ts'),
    import('../../providers/pricing/table-for.ts'),
    import('../../prices/bundled-table.ts'),
    import('../../prices/price-table.ts'),
  ]);
  const table = tableFor(await tableAtHand(config), settings);
  return priceTableSchema.safeParse(table).success ? table : tableFor(bundledTable, settings);
}
