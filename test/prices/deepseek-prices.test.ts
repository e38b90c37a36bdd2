/** DeepSeek's prices over the year, against a table that is written out by hand and a rule that is written anew. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costNanoUsd, type PriceKey, priceOf, worstCostNanoUsd } from '../../src/providers/pricing/prices.ts';
import { mostPromptTokens } from '../../src/providers/pricing/prompt-tokens.ts';

type Figures = [cached: number, input: number, output: number];

const keyOf = (model: string): PriceKey => ({
  provider: 'deepseek',
  baseUrl: 'https://api.deepseek.com',
  model,
});
const figuresOf = (model: string, at: Date): Figures => {
  const price = priceOf(keyOf(model), at);
  assert.ok(price);
  return [price.cachedPerMillion!, price.inputPerMillion!, price.outputPerMillion!];
};

/** US dollars per million tokens. */
const flash = {
  flat: [0.0028, 0.14, 0.28],
  v4: [0.007, 0.22, 0.66],
  'v4 peak': [0.014, 0.44, 1.32],
  'v4.1': [0.003, 0.15, 0.6],
  'v4.1 peak': [0.006, 0.3, 1.2],
} satisfies Record<string, Figures>;

/** By Beijing time. */
const moments: [beijing: string, why: string, expected: keyof typeof flash][] = [
  ['2026-01-05 10:00', 'a Monday, before there were peak hours', 'flat'],
  ['2026-03-18 15:00', 'a Wednesday, before there were peak hours', 'flat'],
  ['2026-08-14 10:00', 'the last Friday before them', 'flat'],
  ['2026-08-16 23:59', 'the last minute of the flat price', 'flat'],
  ['2026-08-17 00:00', 'the first minute of V4 off-peak', 'v4'],
  ['2026-08-17 08:59', 'before the first peak ever', 'v4'],
  ['2026-08-17 09:00', 'the first peak ever', 'v4 peak'],
  ['2026-08-17 11:59', 'its last minute', 'v4 peak'],
  ['2026-08-17 12:00', 'noon', 'v4'],
  ['2026-08-17 13:59', 'before the afternoon', 'v4'],
  ['2026-08-17 14:00', 'the afternoon', 'v4 peak'],
  ['2026-08-17 17:59', 'its last minute', 'v4 peak'],
  ['2026-08-17 18:00', 'the evening', 'v4'],
  ['2026-08-29 10:00', 'a Saturday', 'v4'],
  ['2026-08-30 15:00', 'a Sunday', 'v4'],
  ['2026-09-09 10:00', 'the last peak of V4', 'v4 peak'],
  ['2026-09-10 08:00', 'the first moment of V4.1, as its date begins in UTC', 'v4.1'],
  ['2026-09-10 09:00', 'the first peak of V4.1', 'v4.1 peak'],
  ['2026-09-11 17:59', 'a Friday, the last minute of its peak', 'v4.1 peak'],
  ['2026-09-12 09:00', 'a Saturday morning', 'v4.1'],
  ['2026-09-13 14:00', 'a Sunday afternoon', 'v4.1'],
  ['2026-09-14 09:00', 'a Monday morning', 'v4.1 peak'],
  ['2026-09-20 10:00', 'a Sunday that is worked on', 'v4.1'],
  ['2026-09-24 10:00', 'the day before Mid-Autumn', 'v4.1 peak'],
  ['2026-09-25 10:00', 'Mid-Autumn, a Friday', 'v4.1'],
  ['2026-09-28 10:00', 'the Monday after it', 'v4.1 peak'],
  ['2026-09-30 17:59', 'the eve of the National Day', 'v4.1 peak'],
  ['2026-10-01 09:00', 'the National Day, a Thursday', 'v4.1'],
  ['2026-10-05 15:00', 'a Monday of its week', 'v4.1'],
  ['2026-10-07 11:00', 'the last day of its week', 'v4.1'],
  ['2026-10-08 08:59', 'a minute before work begins again', 'v4.1'],
  ['2026-10-08 09:00', 'when work begins again', 'v4.1 peak'],
  ['2026-10-10 10:00', 'a Saturday that is worked on', 'v4.1'],
  ['2026-11-03 12:00', 'a Tuesday noon', 'v4.1'],
  ['2026-11-04 03:00', 'the night', 'v4.1'],
  ['2026-11-05 16:30', 'a Thursday afternoon', 'v4.1 peak'],
  ['2026-11-06 23:59', 'a Friday night', 'v4.1'],
  ['2026-11-07 00:30', 'a Saturday that is still Friday in UTC', 'v4.1'],
  ['2026-11-09 00:30', 'a Monday that is still Sunday in UTC', 'v4.1'],
  ['2026-12-25 10:00', 'Christmas, a working day', 'v4.1 peak'],
  ['2026-12-31 17:59', 'the last peak of the year', 'v4.1 peak'],
  ['2027-01-01 10:00', 'New Year, of a year without a list', 'v4.1 peak'],
  ['2027-01-02 10:00', 'a Saturday of a year without a list', 'v4.1'],
  ['2027-01-04 15:00', 'a Monday of a year without a list', 'v4.1 peak'],
  ['2025-12-31 23:59', 'a year before the list', 'flat'],
];
for (const [beijing, why, expected] of moments) {
  test(`deepseek-flash, ${beijing} in Beijing, ${why}: ${expected}`, () => {
    const at = new Date(`${beijing.replace(' ', 'T')}:00+08:00`);
    for (const model of ['deepseek-flash', 'deepseek-v4-flash', 'deepseek-v4-flash-vision-exp'])
      assert.deepEqual(figuresOf(model, at), flash[expected], model);
  });
}

// ---------------------------------------------------------------- every quarter of an hour of the year

const holidays2026 =
  '1/1 1/2 1/3 2/15 2/16 2/17 2/18 2/19 2/20 2/21 2/22 2/23 4/4 4/5 4/6 5/1 5/2 5/3 5/4 5/5 6/19 6/20 6/21 ' +
  '9/25 9/26 9/27 10/1 10/2 10/3 10/4 10/5 10/6 10/7';
const restDays = new Set(holidays2026.split(' '));
const clock = new Intl.DateTimeFormat('en-US', {
  timeZone: 'Asia/Shanghai',
  hourCycle: 'h23',
  ...{ weekday: 'short', month: 'numeric', day: 'numeric', hour: 'numeric' },
});

/** Written anew, with the time zone's own clock. */
function isPeak(at: Date): boolean {
  const part = Object.fromEntries(clock.formatToParts(at).map(({ type, value }) => [type, value]));
  if (part['weekday'] === 'Sat' || part['weekday'] === 'Sun') return false;
  if (restDays.has(`${part['month']}/${part['day']}`)) return false;
  const hour = Number(part['hour']);
  return [9, 10, 11, 14, 15, 16, 17].includes(hour);
}

test('deepseek-v4-pro at every quarter of an hour of 2026', () => {
  const begin = Date.UTC(2026, 7, 16, 16);
  let peaks = 0;
  for (
    let ms = Date.parse('2026-01-01T00:00+08:00');
    ms < Date.parse('2027-01-01T00:00+08:00');
    ms += 900_000
  ) {
    const at = new Date(ms);
    const usual: Figures = ms < begin ? [0.003625, 0.435, 0.87] : [0.022, 0.66, 1.98];
    const peak = ms >= begin && isPeak(at);
    if (peak) peaks++;
    const expected = peak ? [0.044, 1.32, 3.96] : usual;
    assert.deepEqual(figuresOf('deepseek-v4-pro', at), expected, at.toISOString());
  }
  assert.ok(peaks > 2000, 'the rule of this test finds no peak hours');
});

// ---------------------------------------------------------------- what requests cost

const usageOf = (prompt: number, completion: number, cached: number) => ({
  ...{ prompt, completion, cached },
  total: prompt + completion,
  reasoning: 0,
});

test('a cost is computed with the price of its moment', () => {
  const usage = usageOf(1000, 500, 200);
  const costAt = (at: string) => costNanoUsd(usage, keyOf('deepseek-flash'), new Date(at));
  assert.equal(costAt('2026-11-05T08:30:00Z'), 800 * 300 + 200 * 6 + 500 * 1200);
  assert.equal(costAt('2026-11-07T08:30:00Z'), 800 * 150 + 200 * 3 + 500 * 600);
});

const HOUR_MS = 3_600_000;
const worstCases: [title: string, at: string, withinMs: number, isPeakReached: boolean][] = [
  ['in a peak hour', '2026-11-05T02:00:00Z', 600_000, true],
  ['ten minutes before one', '2026-11-05T00:50:00Z', 600_000, true],
  ['eleven minutes before one', '2026-11-05T00:49:00Z', 600_000, false],
  ['in the last minute of one', '2026-11-05T03:59:00Z', 600_000, true],
  ['at its end', '2026-11-05T04:00:00Z', 600_000, false],
  ['over the noon', '2026-11-05T04:00:00Z', 2 * HOUR_MS, true],
  ['over a whole weekend', '2026-11-06T10:00:00Z', 62 * HOUR_MS, false],
  ['from a weekend into Monday', '2026-11-06T10:00:00Z', 63 * HOUR_MS, true],
  ['over the National Days', '2026-09-30T10:00:00Z', 7 * 24 * HOUR_MS, false],
  ['from the National Days into the work after them', '2026-10-07T10:00:00Z', 15 * HOUR_MS, true],
];
for (const [title, at, withinMs, isPeakReached] of worstCases) {
  test(`the worst case of a request ${title}`, () => {
    const request = { messages: [{ role: 'user' as const, content: 'What is RLHF?' }], maxTokens: 100, n: 2 };
    const [, input, output] = flash[isPeakReached ? 'v4.1 peak' : 'v4.1'];
    assert.equal(
      worstCostNanoUsd(request, keyOf('deepseek-flash'), new Date(at), withinMs),
      Math.ceil(1000 * (mostPromptTokens(request.messages) * input + 200 * output)),
    );
  });
}
