import { pricesAt } from './find-price.ts';
import type { PricedModel, PriceTable } from './price-table.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Moments from `from` to `until`, both included, one for each price that the model has between them. The first is `from`. */
export function priceMoments(table: PriceTable, model: PricedModel, from: Date, until: Date): Date[] {
  const found = new Map<string, Date>();
  for (const at of bordersOf(table, model, from.getTime(), until.getTime())) {
    const moment = new Date(at);
    const prices = JSON.stringify(pricesAt(table, model, moment));
    if (!found.has(prices)) found.set(prices, moment);
  }
  return [...found.values()];
}

/** Every moment at which a price may begin or end, in order. */
function bordersOf(
  { calendars }: PriceTable,
  { prices }: PricedModel,
  from: number,
  until: number,
): number[] {
  const borders = [from];
  const add = (at: number): void => {
    if (at > from && at <= until) borders.push(at);
  };
  const firstDay = Math.floor(from / DAY_MS) * DAY_MS;
  for (const { from: start, hours, workdaysOf } of prices) {
    if (start !== undefined) add(Date.parse(start));
    if (hours === undefined) continue;
    const offsetMs = (calendars[workdaysOf ?? '']?.utcOffsetMinutes ?? 0) * MINUTE_MS;
    for (let day = firstDay; day <= until + DAY_MS; day += DAY_MS) {
      for (const time of hours) add(day + minutesOf(time) * MINUTE_MS);
      add(day - offsetMs);
    }
  }
  return [...new Set(borders)].sort((a, b) => a - b);
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
