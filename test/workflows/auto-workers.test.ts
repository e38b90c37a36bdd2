import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ReceivedPace } from '../../src/core/batch-input.ts';
import { autoSlots, autoWorkersOf, recordPace } from '../../src/workflows/auto-workers.ts';

const auto = { maxWorkers: 50, autoWorkers: true };
const pace = (worker: string, slots: number) => ({ worker, slots, reason: `as ${worker} says` });

test('without auto it is the number of workers, whatever is told', () => {
  const paces = recordPace([], pace('a', 3), 0);
  assert.equal(autoSlots({ maxWorkers: 20 }, paces), 20);
  assert.equal(autoWorkersOf({ maxWorkers: 20 }, paces), null);
});

test('begins with a few, or with the ceiling where that is fewer', () => {
  assert.deepEqual([autoSlots(auto, []), autoSlots({ ...auto, maxWorkers: 2 }, [])], [10, 2]);
});

test('adds up what the workers can put to use, of each its newest word', () => {
  let paces = recordPace([], pace('a', 12), 0);
  paces = recordPace(paces, pace('b', 5), 1000);
  assert.equal(autoSlots(auto, paces), 17);
  paces = recordPace(paces, pace('a', 6), 2000);
  assert.deepEqual(autoWorkersOf(auto, paces), { slots: 11, ceiling: 50, reason: 'as a says' });
});

test('a worker that has fallen silent does not count', () => {
  let paces = recordPace([], pace('a', 12), 0);
  paces = recordPace(paces, pace('b', 5), 150_000);
  assert.equal(autoSlots(auto, paces), 5);
});

test('words may be told twice, and never make it more than the ceiling or less than one', () => {
  const word = fc.record({ worker: fc.constantFrom('a', 'b', 'c'), slots: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), fc.integer({ min: 1, max: 80 }), (words, maxWorkers) => {
      let paces: readonly ReceivedPace[] = [];
      for (const [at, { worker, slots }] of words.entries()) {
        const once = recordPace(paces, pace(worker, slots), at);
        paces = recordPace(once, pace(worker, slots), at);
        assert.deepEqual(paces, once);
        assert.ok(paces.length <= 3);
        const now = autoSlots({ maxWorkers, autoWorkers: true }, paces);
        assert.ok(now >= 1 && now <= maxWorkers);
      }
    }),
  );
});
