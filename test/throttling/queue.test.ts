import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createQueue } from '../../src/throttling/queue.ts';

test('first come, first served', () => {
  const queue = createQueue();
  const [one, two] = [queue.join('one', 10, 0), queue.join('two', 20, 0)];
  assert.equal(queue.first(), one);
  assert.deepEqual(queue.before(two, 0), { requests: 1, mostTokens: 10 });
  queue.leave(one);
  assert.equal(queue.first(), two);
});

test('who was sent away comes back to its place, and meanwhile others pass', () => {
  const queue = createQueue();
  const one = queue.join('one', 10, 0);
  const two = queue.join('two', 20, 0);
  queue.keep(one, 5000);
  assert.equal(queue.first(), two);
  assert.deepEqual(queue.before(two, 0), { requests: 1, mostTokens: 10 }, 'it is counted as before');
  assert.equal(queue.join('one', 10, 6000), one);
  assert.equal(queue.first(), one);
});

test('who is too late has lost its place', () => {
  const queue = createQueue();
  queue.keep(queue.join('one', 10, 0), 5000);
  const two = queue.join('two', 20, 30_000);
  queue.join('one', 10, 30_000);
  assert.equal(queue.first(), two);
});

test('a place can be kept after it was used', () => {
  const queue = createQueue();
  const one = queue.join('one', 10, 0);
  queue.leave(one);
  const two = queue.join('two', 20, 0);
  queue.keep(one, 1000);
  queue.join('one', 10, 1000);
  assert.equal(queue.first(), one);
  queue.leave(one);
  assert.equal(queue.first(), two);
});

test('nobody is awaited whose time is far', () => {
  const queue = createQueue();
  assert.equal(queue.isAwaited(1e9), false);
  queue.keep(queue.join('one', 10, 0), 5000);
  assert.deepEqual([queue.isAwaited(4000), queue.isAwaited(6000)], [false, true]);
});

test('without a name no place is kept', () => {
  const queue = createQueue();
  queue.keep(queue.join(undefined, 10, 0), 5000);
  assert.equal(queue.isAwaited(1e9), false);
});
