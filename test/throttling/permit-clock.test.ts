import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPermitClock, type PermitClock } from '../../src/throttling/permit-clock.ts';

const LONG = 1e9;
const clockOf = (perMinute: number | null, balance = 0, until = LONG): PermitClock => {
  const clock = createPermitClock(balance);
  clock.setRate(0, perMinute, perMinute, until);
  return clock;
};

test('one permit comes after the other, evenly', () => {
  const clock = clockOf(600);
  const passed: number[] = [];
  for (let now = 0; passed.length < 5;) {
    now += clock.waitMs(now);
    clock.take(now, 1);
    passed.push(Math.round(now));
  }
  assert.deepEqual(passed, [0, 100, 200, 300, 400]);
});

test('a process earns its first permit too', () => {
  assert.equal(clockOf(600, -1).waitMs(0), 100);
});

test('without a lease there is nothing, and after its end nothing more', () => {
  assert.equal(createPermitClock(0).waitMs(5), Infinity);
  const clock = clockOf(600, -10, 500);
  assert.equal(Math.round(clock.waitMs(499)), 501);
  assert.equal(clock.waitMs(500), Infinity);
  clock.setRate(2000, 600, 600, LONG);
  assert.equal(clock.waitMs(2000), 500, 'of the time in between nothing came');
});

test('without a limit nobody waits', () => {
  const clock = clockOf(null);
  clock.take(0, 1e6);
  assert.equal(clock.waitMs(0), 0);
  assert.equal(clock.turnMs(0, 1e6), 0);
});

test('without a limit nothing is owed, and nothing of it is paid once there is one', () => {
  const clock = clockOf(null, -1);
  assert.equal(clock.inDebt, false);
  const counted = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 50 });
  fc.assert(
    fc.property(counted, (totals) => {
      const free = clockOf(null, -1);
      for (const total of totals) {
        free.take(0, 500);
        free.giveBack(0, 500 - total, 500);
      }
      free.setRate(0, 60, 60, LONG);
      assert.deepEqual([free.inDebt, free.waitMs(0)], [false, 0]);
      free.take(0, 1);
      assert.equal(free.waitMs(0), 1000, 'nor is anything saved');
    }),
  );
});

test('whose turn comes when is told from what can be counted on', () => {
  const clock = createPermitClock(0);
  clock.setRate(0, 60, 600, LONG);
  assert.equal(clock.turnMs(0, 50), 5000);
});

test('what was taken too much comes back, and what was too little is paid', () => {
  const clock = clockOf(60_000);
  clock.take(0, 500);
  clock.giveBack(0, 400, 500);
  assert.equal(clock.waitMs(0), 100);
  clock.giveBack(0, -50, 500);
  assert.equal(clock.waitMs(0), 150);
  for (let count = 0; count < 9; count++) clock.giveBack(0, 400, 500);
  clock.take(0, 501);
  assert.equal(clock.waitMs(0), 1, 'no more than one request is saved');
});

test('who uses all could use more, who does not says how much', () => {
  const clock = clockOf(600, -1000);
  assert.equal(clock.wants(10_000), null);
  const modest = clockOf(600);
  modest.waitMs(0);
  for (let now = 0; now < 10_000; now += 400) modest.take(now, 1);
  const wants = modest.wants(10_000)!;
  assert.ok(wants > 150 && wants < 180, `${wants} of 150 a minute`);
});

test('over any time of any length no more pass than its rate allows, but for one and what a late timer saves', () => {
  const waits = fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 200 });
  fc.assert(
    fc.property(fc.constantFrom(6, 60, 600, 6000), waits, (perMinute, idle) => {
      const clock = clockOf(perMinute);
      const passed: number[] = [];
      let now = 0;
      for (const more of idle) {
        now += Math.ceil(clock.waitMs(now)) + (more > 2000 ? more : 0);
        clock.take(now, 1);
        passed.push(now);
      }
      passed.forEach((from, first) => {
        for (let last = first; last < passed.length; last++) {
          const count = last - first + 1;
          const most = ((passed[last]! - from) * perMinute) / 60_000 + 1 + perMinute / 600;
          assert.ok(count <= most + 1e-6, `${count} in ${passed[last]! - from} ms, at most ${most}`);
        }
      });
    }),
  );
});
