import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { heldSlots, lendSlots, type SlotLoan } from '../../../src/workflows/shards/lend-slots.ts';

const loan = (
  slots: number,
  returnedSlots = 0,
  dry = false,
  keepSlots = slots - returnedSlots,
): SlotLoan => ({
  slots,
  keepSlots,
  returnedSlots,
  dry,
});
const held = (loans: readonly SlotLoan[]): number[] => loans.map(heldSlots);
const kept = (loans: readonly SlotLoan[]): number[] => loans.map(({ keepSlots }) => keepSlots);

/** What one shard may hold while others have something to start. */
const MOST = 6;

describe('what is free is lent', () => {
  const rows: [title: string, loans: SlotLoan[], target: number, held: number[]][] = [
    ['to the only shard', [loan(0)], 5, [5]],
    ['to the first, which begins earlier in the file', [loan(0), loan(0)], 5, [5, 0]],
    ['to the first up to what a shard may hold, then to the next', [loan(2), loan(1)], 9, [6, 3]],
    ['to a later one, but what it has stays with it', [loan(1), loan(4)], 7, [3, 4]],
    ['evenly beyond what each may hold', [loan(0), loan(0)], 15, [8, 7]],
    ['to the poorer one first beyond that', [loan(7), loan(5)], 15, [8, 7]],
    ['beyond that to the only one with something to start', [loan(3, 3, true), loan(0)], 9, [0, 9]],
    ['not to one that has nothing to start', [loan(3, 2, true), loan(2)], 5, [1, 4]],
    ['to nobody, where nobody has anything to start', [loan(3, 3, true)], 5, [0]],
    ['not beyond what those hold that fall idle later', [loan(5, 0, true), loan(0)], 5, [5, 0]],
    ['again as soon as it comes back', [loan(5, 5, true), loan(0)], 5, [0, 5]],
  ];
  for (const [title, loans, target, expected] of rows) {
    test(title, () => {
      lendSlots(loans, target, MOST);
      assert.deepEqual(held(loans), expected);
      assert.deepEqual(kept(loans), expected);
    });
  }
});

describe('a lower target', () => {
  test('recalls from those who may keep most, and lends nothing meanwhile', () => {
    const loans = [loan(6), loan(2)];
    lendSlots(loans, 3, MOST);
    assert.deepEqual(
      [held(loans), kept(loans)],
      [
        [6, 2],
        [1, 2],
      ],
    );
  });

  test('of none recalls everything: a pause', () => {
    const loans = [loan(6), loan(2)];
    lendSlots(loans, 0, MOST);
    assert.deepEqual(kept(loans), [0, 0]);
  });

  test('that rises again before anything came back lets all of it be kept', () => {
    const loans = [loan(6, 0, false, 0), loan(2, 0, false, 0)];
    lendSlots(loans, 9, MOST);
    assert.deepEqual(kept(loans), [6, 3]);
  });
});

/** A batch and its shards with messages that take their time, in any order between shards. */
test('however messages travel, never are more slots in use than the highest target since they were lent, and none is lost', () => {
  const step = fc.record({
    kind: fc.constantFrom('plan', 'deliver', 'start', 'finish', 'report', 'hear', 'end', 'target'),
    shard: fc.nat({ max: 3 }),
    target: fc.nat({ max: 8 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 9 }), (steps, most) => {
      interface Shard {
        left: number;
        running: number;
        slots: number;
        keep: number;
        returned: number;
      }
      const loans: SlotLoan[] = [0, 1, 2, 3].map(() => loan(0));
      const shards: Shard[] = loans.map(() => ({ left: 6, running: 0, slots: 0, keep: 0, returned: 0 }));
      const told: { slots: number; keep: number }[] = loans.map(() => ({ slots: 0, keep: 0 }));
      const heard: { returned: number; dry: boolean }[] = loans.map(() => ({ returned: 0, dry: false }));
      let target = 5;
      let allowed = 5;
      for (const { kind, shard: at, target: next } of steps) {
        const [slotLoan, shard] = [loans[at]!, shards[at]!];
        const idle = shard.slots - shard.returned - shard.running;
        if (kind === 'target') target = next;
        else if (kind === 'plan') {
          lendSlots(loans, target, most);
          loans.forEach(({ slots, keepSlots }, n) => (told[n] = { slots, keep: keepSlots }));
        } else if (kind === 'deliver') Object.assign(shard, { slots: told[at]!.slots, keep: told[at]!.keep });
        else if (
          kind === 'start' &&
          shard.left > 0 &&
          shard.running < Math.min(shard.slots - shard.returned, shard.keep)
        ) {
          shard.left--;
          shard.running++;
        } else if (kind === 'finish' && shard.running > 0) shard.running--;
        else if (kind === 'report') {
          const surplus =
            shard.left === 0 ? idle : Math.min(idle, Math.max(0, idle + shard.running - shard.keep));
          shard.returned += surplus;
          heard[at] = { returned: shard.returned, dry: shard.left === 0 };
        } else if (kind === 'hear') {
          slotLoan.returnedSlots = heard[at]!.returned;
          slotLoan.dry = heard[at]!.dry;
        }
        allowed = Math.max(allowed, target);
        const inUse = shards.reduce((sum, { running }) => sum + running, 0);
        assert.ok(inUse <= allowed, `${inUse} of ${allowed}`);
        for (const each of shards) assert.ok(each.running <= each.slots - each.returned);
      }
      // Whatever happened, once all is heard and finished the slots are all there again.
      shards.forEach((shard, n) => {
        Object.assign(shard, { left: 0, running: 0, slots: told[n]!.slots });
        shard.returned = shard.slots;
        Object.assign(loans[n]!, { returnedSlots: shard.returned, slots: shard.slots, dry: true });
      });
      loans.push(loan(0));
      lendSlots(loans, target, most);
      assert.equal(heldSlots(loans.at(-1)!), target);
    }),
    { numRuns: 300 },
  );
});
