import assert from 'node:assert/strict';
import { test } from 'node:test';
import { steadyRate, utilisation } from '../../bench/measure/steady-rate.ts';
import { createTally } from '../../bench/stand-in/tally.ts';

test('prompts that were answered too often or too seldom are told', () => {
  const tally = createTally(3, 2, () => 1000);
  for (const index of [0, 0, 1, 2, 2, 2]) {
    tally.requested();
    tally.answered(index, 1);
  }
  const { requests, answers, answeredTooOften, answeredTooSeldom, meanDelayMs } = tally.stats();
  assert.deepEqual(
    { requests, answers, answeredTooOften, answeredTooSeldom, meanDelayMs },
    { requests: 6, answers: 6, answeredTooOften: 1, answeredTooSeldom: 1, meanDelayMs: 1 },
  );
});

test('requests in flight are averaged over each tenth of a second', () => {
  let now = 5000.5;
  const tally = createTally(2, 1, () => now);
  tally.requested();
  now += 50;
  tally.requested();
  now += 100;
  tally.answered(0, 0);
  now += 100;
  tally.answered(1, 0);
  const stats = tally.stats();
  assert.deepEqual(stats.inFlightPerBucket, [1.5, 1.5, 0.5]);
  assert.deepEqual(stats.answersPerBucket, [0, 1, 1]);
  assert.equal(stats.peakInFlight, 2);
  assert.equal(utilisation(stats.inFlightPerBucket, 200, 2), 0.75);
});

test('the steady rate is the median second without both ends', () => {
  // Ten seconds: a slow start, a slow end, and one hole between.
  const perSecond = [1, 50, 50, 50, 0, 50, 50, 50, 50, 1];
  const buckets = perSecond.flatMap((count) => Array.from({ length: 10 }, () => count));
  assert.equal(steadyRate(buckets), 500);
  assert.equal(steadyRate(buckets.slice(0, 30)), null);
});
