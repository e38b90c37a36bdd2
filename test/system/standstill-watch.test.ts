import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StandstillWatch } from '../../src/system/standstill-watch.ts';

const counters = (values: Record<string, number>) => new Map(Object.entries(values));

test('a counter that moves never stands still, one that does not stands still for as long as it was watched', () => {
  const watch = new StandstillWatch();
  for (let look = 0; look <= 10; look++) watch.look(counters({ moves: look, stands: 7 }), look * 2000);
  assert.equal(watch.stillMs('moves'), 0);
  assert.equal(watch.stillMs('stands'), 20_000);
  assert.equal(watch.watchedMs, 20_000);
  assert.equal(watch.stillMs('unknown'), null);
});

test('a counter that is gone stands still, and moves when it comes back with another value', () => {
  const watch = new StandstillWatch();
  watch.look(counters({ a: 1 }), 0);
  watch.look(counters({}), 3000);
  watch.look(counters({}), 6000);
  assert.equal(watch.stillMs('a'), 6000);
  watch.look(counters({ a: 2 }), 7000);
  assert.equal(watch.stillMs('a'), 0);
});

test('a counter that is first seen late has not stood still before', () => {
  const watch = new StandstillWatch();
  watch.look(counters({}), 0);
  watch.look(counters({}), 4000);
  watch.look(counters({ late: 3 }), 8000);
  assert.equal(watch.stillMs('late'), 0);
});

test('a watcher that was frozen for an hour has watched for moments only', () => {
  const watch = new StandstillWatch();
  watch.look(counters({ a: 1 }), 0);
  watch.look(counters({ a: 1 }), 3_600_000);
  assert.equal(watch.stillMs('a'), 5000);
  assert.equal(watch.watchedMs, 5000);
});
