import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfterMs } from '../../src/providers/retry-after.ts';

const now = new Date('2026-10-01T12:00:00Z');

const cases: [title: string, headers: Record<string, string>, ms: number | null][] = [
  ['absent', {}, null],
  ['seconds', { 'retry-after': '7' }, 7_000],
  ['fractions of a second', { 'retry-after': '0.25' }, 250],
  ['with spaces', { 'retry-after': ' 3 ' }, 3_000],
  ['an HTTP date', { 'retry-after': 'Thu, 01 Oct 2026 12:01:30 GMT' }, 90_000],
  ['a date of the old form', { 'retry-after': 'Thursday, 01-Oct-26 12:00:10 GMT' }, 10_000],
  ['a date that is over', { 'retry-after': 'Thu, 01 Oct 2026 11:59:00 GMT' }, null],
  ['milliseconds', { 'retry-after-ms': '1500' }, 1_500],
  ['milliseconds go before seconds', { 'retry-after-ms': '1500', 'retry-after': '60' }, 1_500],
  ['unreadable milliseconds leave the seconds', { 'retry-after-ms': 'soon', 'retry-after': '60' }, 60_000],
  ['no delay at all', { 'retry-after': '0' }, null],
  ['negative', { 'retry-after': '-5' }, null],
  ['text', { 'retry-after': 'soon' }, null],
  ['text that Date would take for a date', { 'retry-after': 'attempt 5' }, null],
  ['a weekday and nonsense', { 'retry-after': 'Thu, whenever' }, null],
  ['an exponent', { 'retry-after': '1e3' }, null],
  ['empty', { 'retry-after': '' }, null],
  ['a week', { 'retry-after': '604800' }, 604_800_000],
  ['absurdly many digits', { 'retry-after': '9'.repeat(400) }, Number.MAX_SAFE_INTEGER],
];
for (const [title, headers, ms] of cases) {
  test(`Retry-After: ${title}`, () => {
    assert.equal(retryAfterMs(new Headers(headers), now), ms);
  });
}
