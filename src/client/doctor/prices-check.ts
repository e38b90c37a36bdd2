import { ageInDays, MAX_AGE_DAYS, type PriceTable } from '../../prices/price-table.ts';
import { unlistedYear } from '../../prices/work-calendar.ts';
import type { PriceLook } from '../prices/price-updates.ts';
import { type Finding, ok, warning } from './finding.ts';

/** How old the prices are that a run would begin with, and why there are no newer ones. */
export function checkPrices(
  table: Pick<PriceTable, 'date' | 'source' | 'calendars'>,
  { look, isWanted, now }: { look: PriceLook | null; isWanted: boolean; now: Date },
): Finding {
  const found = `of ${table.date} (${table.source})${newerText(look, isWanted)}`;
  const years = Object.values(table.calendars).flatMap((calendar) => unlistedYear(calendar, now) ?? []);
  if (years.length > 0)
    return warning(
      `${found}, without the public holidays of ${years.join(', ')}: DeepSeek's peak prices are applied on them too`,
      'Install a newer version, which has the list. Until then, costs may be computed too high.',
    );
  if (ageInDays(table, now) <= MAX_AGE_DAYS) return ok(found);
  return warning(
    `${found}; prices may have changed since`,
    'Let durabatch fetch newer ones (without --no-price-update, and with DURABATCH_PRICES_URL unset), or install a newer version.',
  );
}

function newerText(look: PriceLook | null, isWanted: boolean): string {
  if (!isWanted) return '; newer ones are not looked for';
  if (look === null) return '; newer ones could not be looked for';
  const day = look.at.slice(0, 10);
  return look.trouble === null
    ? `, looked for on ${day}`
    : `; newer ones could not be fetched on ${day}: ${look.trouble}`;
}
