import type { WorkCalendar } from './price-table.ts';

const MINUTE_MS = 60_000;

/** The date where the calendar holds, as `YYYY-MM-DD`, and its day of the week, 0 for Sunday. */
function localDay({ utcOffsetMinutes }: WorkCalendar, at: Date): { date: string; weekday: number } {
  const local = new Date(at.getTime() + utcOffsetMinutes * MINUTE_MS);
  return { date: local.toISOString().slice(0, 10), weekday: local.getUTCDay() };
}

/** Monday to Friday and no holiday. A weekend stays one where it is worked on to make up for a holiday. */
export function isWorkday(calendar: WorkCalendar, at: Date): boolean {
  const { date, weekday } = localDay(calendar, at);
  if (weekday === 0 || weekday === 6) return false;
  return !(calendar.holidays[date.slice(0, 4)] ?? []).includes(date.slice(5));
}

/** The year of a moment, where its holidays are not known: every day from Monday to Friday then counts as a working day. */
export function unlistedYear(calendar: WorkCalendar, at: Date): string | null {
  const year = localDay(calendar, at).date.slice(0, 4);
  return calendar.holidays[year] === undefined ? year : null;
}
