import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PaceMark } from '../../src/core/batch-input.ts';
import { marked, rateOf, shownRateOf, steadyRateOf } from '../../src/workflows/pace.ts';

/** Each prompt alone, at these times. */
const settling = (times: readonly number[]): readonly PaceMark[] =>
  times.reduce<readonly PaceMark[]>((pace, at, index) => marked(pace, at, index + 1), []);
const every = (ms: number, count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, n) => from + n * ms);

test('one prompt has no rate, nor have several at one moment', () => {
  assert.equal(rateOf(settling([])), 0);
  assert.equal(rateOf(settling([5])), 0);
  assert.equal(rateOf(settling([5, 5, 5])), 0);
});

test('a handful that settled together is no steady rate yet', () => {
  const few = settling(every(10, 40));
  assert.equal(steadyRateOf(few), 0);
  const more = settling(every(10, 300));
  assert.equal(steadyRateOf(more), rateOf(more));
  assert.ok(rateOf(few) > 0 && rateOf(more) > 0);
});

test('no rate is shown until its window is a second long', () => {
  assert.equal(shownRateOf([]), 0);
  assert.equal(shownRateOf(settling(every(3, 4))), 0);
  assert.equal(shownRateOf(settling(every(333, 3))), 0);
  const second = settling(every(250, 5));
  assert.equal(shownRateOf(second), 4);
  assert.equal(shownRateOf(second), rateOf(second));
});

const rates: [title: string, times: number[], expected: number][] = [
  ['slow ones', every(60_000, 5), 1 / 60],
  ['one a second', every(1000, 100), 1],
  ['hundreds a second', every(4, 2000), 250],
];
for (const [title, times, expected] of rates) {
  test(`the rate of ${title}`, () => {
    const rate = rateOf(settling(times));
    assert.ok(Math.abs(rate - expected) < expected / 20, `${rate}`);
  });
}

test('the window follows a change of pace, and is of seconds however fast prompts settle', () => {
  const pace = settling([...every(1000, 60), ...every(10, 2000, 60_000)]);
  assert.ok(rateOf(pace) > 90, `${rateOf(pace)}`);
  assert.ok(pace.length <= 50);
  assert.ok(pace.at(-1)!.at - pace[0]!.at >= 10_000);
});

test('after a silence out of all proportion it counts anew', () => {
  const pace = settling([...every(100, 50), ...every(100, 10, 600_000)]);
  assert.ok(Math.abs(rateOf(pace) - 10) < 1, `${rateOf(pace)}`);
});
