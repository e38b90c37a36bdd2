import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDeadline } from '../../../src/providers/transport/deadline.ts';

/** Nothing runs meanwhile, as in a process that is stopped. */
const freeze = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

test('is over after its time', async () => {
  const startedAt = performance.now();
  await new Promise<void>((resolve) => createDeadline(30, resolve));
  assert.ok(performance.now() - startedAt >= 29);
});

test('a process that was frozen may first read what has arrived', async () => {
  let over = 0;
  const deadline = createDeadline(30, () => over++);
  freeze(700);
  // Timers come first, then what has arrived.
  await new Promise((resolve) => setTimeout(resolve, 0));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(over, 0);
  deadline.clear();
});

test('so may one that was held up for a little longer than the time', async () => {
  let over = 0;
  const deadline = createDeadline(30, () => over++);
  // What arrives, as sockets tell it: after the timers that are due.
  setTimeout(() => queueMicrotask(() => setImmediate(() => deadline.clear())), 0);
  freeze(60);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(over, 0);
});

test('a side that stays silent after the thaw is given up', async () => {
  const over = new Promise<void>((resolve) => createDeadline(30, resolve));
  freeze(700);
  await over;
});

test('an extended deadline starts anew, a cleared one never ends', async () => {
  let over = 0;
  const deadline = createDeadline(40, () => over++);
  const cleared = createDeadline(10, () => assert.fail('it was cleared'));
  cleared.clear();
  deadline.extend();
  await new Promise<void>((resolve) => createDeadline(20, resolve));
  deadline.clear();
  assert.equal(over, 0);
});
