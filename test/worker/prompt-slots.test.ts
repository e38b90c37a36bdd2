import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { ActivitySlotInfo, SlotReserveContext } from '@temporalio/worker';
import type { Passage } from '../../src/activities/request-gate.ts';
import { unsent } from '../../src/activities/request-gate.ts';
import { type BatchSlots, createPromptSlots } from '../../src/worker/prompt-slots.ts';

const context = {} as SlotReserveContext;
const activity = (activityType: string): ActivitySlotInfo => ({ type: 'activity', activityType });
const never = new AbortController().signal;

/** What was granted of so many reservations, once everything that can be granted has been. */
async function polls({ supplier }: BatchSlots, count: number, signal = never) {
  const granted: object[] = [];
  for (let poll = 0; poll < count; poll++)
    supplier.reserveSlot(context, signal).then(
      (permit) => granted.push(permit),
      () => {},
    );
  await settled();
  return granted;
}

/** Everything that can be done without a timer has been done. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const use = ({ supplier }: BatchSlots, permit: object, type = 'completePrompt'): void =>
  supplier.markSlotUsed({ permit, slotInfo: activity(type) });

const enter = ({ gate }: BatchSlots): Promise<Passage> => gate.enter({ mostTokens: 1 }, never);

/** A batch that has so many requests under way. */
async function busy(slots: ReturnType<typeof createPromptSlots>, requests: number) {
  const batch = slots.join(never);
  const passages: { permit: object; passage: Passage }[] = [];
  for (let request = 0; request < requests; request++) {
    const permit = batch.supplier.tryReserveSlot(context);
    assert.ok(permit, `request ${request + 1} gets a slot`);
    use(batch, permit);
    passages.push({ permit, passage: await enter(batch) });
  }
  return { batch, passages };
}

test('free slots are shared out as polls, at least one for each batch', async () => {
  const slots = createPromptSlots(6);
  const [first, second] = [slots.join(never), slots.join(never)];
  assert.equal((await polls(first, 10)).length, 3);
  assert.equal((await polls(second, 10)).length, 3);
  const narrow = createPromptSlots(1);
  const batches = Array.from({ length: 3 }, () => narrow.join(never));
  for (const batch of batches) assert.equal((await polls(batch, 10)).length, 1);
});

test('polls hold no slots, eager activities and prompts do', async () => {
  const slots = createPromptSlots(2);
  const batch = slots.join(never);
  const [poll] = await polls(batch, 1);
  const eager = batch.supplier.tryReserveSlot(context);
  assert.ok(eager);
  assert.ok(batch.supplier.tryReserveSlot(context));
  assert.equal(batch.supplier.tryReserveSlot(context), null);
  batch.supplier.releaseSlot({ permit: eager });
  use(batch, poll!, 'writeReport');
  const freed = batch.supplier.tryReserveSlot(context);
  assert.ok(freed, 'a report takes no slot');
  use(batch, freed);
  assert.equal(batch.supplier.tryReserveSlot(context), null);
});

test('a batch polls again as soon as its last waiting prompt is let through, though all slots are in use', async () => {
  const slots = createPromptSlots(1);
  const batch = slots.join(never);
  const permit = batch.supplier.tryReserveSlot(context);
  assert.ok(permit);
  use(batch, permit);
  const granted = await polls(batch, 1);
  assert.equal(granted.length, 0, 'a prompt of it waits');
  await enter(batch);
  await settled();
  assert.equal(granted.length, 1);
});

test('a full process polls once for each batch of which no prompt waits', async () => {
  const slots = createPromptSlots(2);
  const { batch: full } = await busy(slots, 2);
  const stopping = new AbortController();
  const other = slots.join(stopping.signal);
  assert.equal((await polls(full, 3)).length, 1);
  const [permit, ...more] = await polls(other, 3);
  assert.equal(more.length, 0);
  use(other, permit!);
  const waits = assert.rejects(enter(other), { type: 'Worker.Stopping' });
  assert.equal((await polls(other, 1)).length, 0, 'a prompt of it waits already');
  stopping.abort();
  await waits;
});

test('the gate lets no more through than there are slots, the batch with the fewest first', async () => {
  const slots = createPromptSlots(3);
  const { batch: first, passages } = await busy(slots, 3);
  const [second, third] = [slots.join(never), slots.join(never)];
  const order: string[] = [];
  const waits = (batch: BatchSlots, name: string): Promise<Passage> =>
    enter(batch).then((passage) => {
      order.push(name);
      return passage;
    });
  const waiting = [
    waits(first, 'first'),
    waits(second, 'second'),
    waits(third, 'third'),
    waits(second, 'second again'),
  ];
  await settled();
  assert.deepEqual(order, []);
  const expected = ['second', 'third', 'first', 'second again'];
  const leaving = [...passages.map(({ passage }) => passage), waiting[0]!];
  for (const [index, passage] of leaving.entries()) {
    const under = await passage;
    under.leave(unsent);
    under.leave(unsent);
    await settled();
    assert.deepEqual(order, expected.slice(0, index + 1));
  }
  await Promise.all(waiting);
});

test('who waits long is handed back, and who is not wanted any more leaves', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const slots = createPromptSlots(1, () => 0);
  await busy(slots, 1);
  const stopping = new AbortController();
  const other = slots.join(stopping.signal);
  const late = assert.rejects(enter(other), { type: 'Worker.Full', nextRetryDelay: 1000 });
  await settled();
  t.mock.timers.tick(10_000);
  await late;
  const cancel = new AbortController();
  const cancelled = assert.rejects(other.gate.enter({ mostTokens: 1 }, cancel.signal), /no more/);
  cancel.abort(new Error('no more'));
  await cancelled;
  const stopped = assert.rejects(enter(other), { type: 'Worker.Stopping' });
  await settled();
  stopping.abort();
  await stopped;
  await assert.rejects(enter(other), { type: 'Worker.Stopping' });
});

test('a reservation that is called off is gone, and a batch that has left takes no share', async () => {
  const slots = createPromptSlots(2);
  const batch = slots.join(never);
  const other = slots.join(never);
  const abort = new AbortController();
  const [held] = await polls(batch, 1);
  const called = batch.supplier.reserveSlot(context, abort.signal);
  abort.abort();
  await assert.rejects(called, (error: unknown) => error === abort.signal.reason);
  const granted = await polls(batch, 2);
  assert.equal(granted.length, 0);
  other.leave();
  await settled();
  assert.equal(granted.length, 1, 'both slots are shared out to it');
  assert.ok(held);
});
