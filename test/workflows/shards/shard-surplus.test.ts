import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type HeldMoney,
  type HeldSlots,
  moneyToReturn,
  slotsToReturn,
} from '../../../src/workflows/shards/shard-surplus.ts';

describe('slots a shard gives back', () => {
  const rows: [title: string, slots: HeldSlots, returned: number][] = [
    ['none while it uses them all', { held: 5, keep: 5, running: 5, dry: false }, 0],
    ['none while it waits for something else', { held: 5, keep: 5, running: 2, dry: false }, 0],
    ['idle ones once it has nothing to start', { held: 5, keep: 5, running: 2, dry: true }, 3],
    ['recalled ones that are idle', { held: 5, keep: 2, running: 4, dry: false }, 1],
    ['no more than were recalled', { held: 5, keep: 4, running: 1, dry: false }, 1],
    ['all idle ones in a pause', { held: 5, keep: 0, running: 2, dry: false }, 3],
  ];
  for (const [title, slots, returned] of rows)
    test(title, () => assert.equal(slotsToReturn(slots), returned));
});

describe('money a shard gives back', () => {
  const queue = [10, 20, 30].map((worstCostNanoUsd) => ({ worstCostNanoUsd }));
  const rows: [title: string, money: HeldMoney, returned: number][] = [
    ['nothing without a cap', { unreserved: null, keepFor: 'nothing', queue, slots: 2 }, 0],
    ['what its whole queue does not need', { unreserved: 100, keepFor: 'queue', queue, slots: 2 }, 40],
    ['nothing, where its queue needs more', { unreserved: 50, keepFor: 'queue', queue, slots: 2 }, 0],
    ['what its next prompts do not need', { unreserved: 50, keepFor: 'slots', queue, slots: 2 }, 20],
    ['all of it', { unreserved: 50, keepFor: 'nothing', queue, slots: 2 }, 50],
    ['nothing before it knows its prompts', { unreserved: 50, keepFor: 'slots', queue: null, slots: 2 }, 0],
    [
      'all of it when asked, known prompts or not',
      { unreserved: 50, keepFor: 'nothing', queue: null, slots: 2 },
      50,
    ],
    [
      'nothing where more is in use than was lent',
      { unreserved: -50, keepFor: 'nothing', queue, slots: 2 },
      0,
    ],
    ['all of it, with nothing left to start', { unreserved: 50, keepFor: 'queue', queue: [], slots: 2 }, 50],
  ];
  for (const [title, money, returned] of rows)
    test(title, () => assert.equal(moneyToReturn(money), returned));
});
