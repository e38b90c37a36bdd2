import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { createBatchGate } from '../../src/throttling/batch-gate.ts';
import {
  type Passage,
  type RequestGate,
  type RequestResult,
  throughGates,
  unanswered,
  unsent,
} from '../../src/activities/request-gate.ts';
import type { WorkerPace } from '../../src/core/batch-input.ts';
import { limits } from '../providers/settings.ts';
import { toldTemporal } from '../activities/support/prompt-desk.ts';

const ok: RequestResult = { how: 'answered', latencyMs: 10, tokens: 5, retryAfterMs: null };
const refusal = (retryAfterMs: number | null): RequestResult =>
  unanswered({ failure: 'Completion.Unavailable', status: 429, message: 'slow down', retryAfterMs }, 5);
const never = new AbortController().signal;

interface Door {
  gate: RequestGate;
  stopping: AbortController;
  paces: Omit<WorkerPace, 'worker'>[];
  /** Asks for a passage; what has become of it is seen in `let`. */
  ask(signal?: AbortSignal): Promise<Passage>;
  /** The same, with a wait for something else behind the gate. */
  askAndPark(forMs: number): Promise<Passage>;
  now(): number;
  /** Those that were let in, in order. */
  let: Passage[];
  /** Lets time pass. */
  wait(ms: number): Promise<void>;
}

/** A gate in made-up time. */
function door(t: TestContext, autoWorkers: boolean, maxWorkers = 500): Door {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let ms = 0;
  const stopping = new AbortController();
  const paces: Door['paces'] = [];
  const gate = createBatchGate({
    ...{ stopping: stopping.signal, clock: () => ms, now: () => new Date(ms), random: () => 0 },
    onPace: (pace) => paces.push(pace),
  })({ ...limits, autoWorkers, maxWorkers });
  const entered: Passage[] = [];
  const noted = (passage: Promise<Passage>): Promise<Passage> => {
    passage.then(
      (one) => entered.push(one),
      () => {},
    );
    return passage;
  };
  const parking = (forMs: number): RequestGate => ({
    enter: () => new Promise((pass) => setTimeout(() => pass({ leave: () => {} }), forMs)),
  });
  return {
    ...{ gate, stopping, paces, let: entered, now: () => ms },
    ask: (signal = never) => noted(gate.enter({ mostTokens: 1 }, signal)),
    askAndPark: (forMs) => noted(throughGates(gate, parking(forMs)).enter({ mostTokens: 1 }, never)),
    wait: async (forMs) => {
      for (let left = forMs; left > 0; left -= 10) {
        ms += 10;
        t.mock.timers.tick(10);
        await settle();
      }
    },
  };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const failureOf = async (passage: Promise<unknown>) =>
  passage.then(
    () => assert.fail('it was let in'),
    (error: unknown) => toldTemporal(error),
  );

for (const auto of [true, false]) {
  const title = auto ? 'auto' : 'a fixed number of workers';
  test(`a refusal holds everyone back, then one tries and the others follow: ${title}`, async (t) => {
    const { ask, wait, let: entered } = door(t, auto);
    const first = await ask();
    first.leave(refusal(2000));
    for (let n = 0; n < 3; n++) void ask();
    await wait(1990);
    assert.equal(entered.length, 1);
    await wait(20);
    assert.equal(entered.length, 2, 'one tries');
    entered[1]!.leave(ok);
    await wait(100);
    if (auto) {
      // One at a time: its window was halved.
      entered[2]!.leave(ok);
      await wait(100);
    }
    assert.equal(entered.length, 4, 'the others follow');
  });
}

test('a long wait is handed to Temporal, for half a minute at most, with the reason', async (t) => {
  const { ask } = door(t, false);
  const waiting = (await ask()).leave;
  const other = await ask();
  waiting(refusal(600_000));
  const { type, message, nonRetryable, nextRetryDelay } = await failureOf(ask());
  assert.deepEqual([type, nonRetryable, nextRetryDelay], ['Request.HeldBack', false, 30_000]);
  assert.match(message, /held back until 00:10:00 UTC, .*: slow down$/);
  other.leave(ok);
});

test('those that wait when a long hold begins are handed back too', async (t) => {
  const { ask } = door(t, true, 1);
  const first = await ask();
  const second = ask();
  const third = ask();
  first.leave(refusal(60_000));
  for (const waiting of [second, third]) {
    const { type, nextRetryDelay } = await failureOf(waiting);
    assert.deepEqual([type, nextRetryDelay], ['Request.HeldBack', 30_000]);
  }
});

test('who waits for a turn for long is handed back', async (t) => {
  const { ask, wait } = door(t, true, 1);
  void ask();
  const second = failureOf(ask());
  await wait(10_010);
  assert.deepEqual(await second, {
    type: 'Request.HeldBack',
    message: 'waits for its turn: the provider takes no more at once',
    nonRetryable: false,
    nextRetryDelay: 1000,
  });
});

test('a stopping worker waits for nobody', async (t) => {
  const { ask, stopping } = door(t, true, 1);
  void ask();
  const second = failureOf(ask());
  stopping.abort();
  assert.equal((await second).type, 'Worker.Stopping');
  assert.equal((await failureOf(ask())).type, 'Worker.Stopping');
});

test('who is cancelled while waiting leaves the queue, and others take the turn', async (t) => {
  const { ask, let: entered } = door(t, true, 1);
  const first = await ask();
  const cancel = new AbortController();
  const second = ask(cancel.signal);
  void ask();
  cancel.abort(new Error('cancelled'));
  await assert.rejects(second, /cancelled/);
  first.leave(ok);
  await settle();
  assert.equal(entered.length, 2);
});

test('tells how many prompts it can put to use, and why', async (t) => {
  const { ask, paces } = door(t, true);
  (await ask()).leave(ok);
  (await ask()).leave(refusal(10_000));
  assert.deepEqual(paces, [
    { slots: 11, reason: 'growing while nothing is refused' },
    { slots: 3, reason: 'too many requests (429): nothing is sent until 00:00:10 UTC' },
  ]);
});

test('a fixed number of workers has no pace to tell', async (t) => {
  const { ask, paces } = door(t, false);
  (await ask()).leave(refusal(10));
  assert.deepEqual(paces, []);
});

test('however requests end, none is lost, none enters twice, and never are more in flight than the ceiling', async (t) => {
  const endings = fc.array(
    fc.record({
      how: fc.constantFrom(ok, unsent, refusal(50), refusal(null), { ...ok, how: 'failed' as const }),
      afterMs: fc.integer({ min: 0, max: 300 }),
    }),
    { minLength: 1, maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(endings, fc.integer({ min: 1, max: 10 }), async (results, ceiling) => {
      t.mock.timers.reset();
      const { ask, wait } = door(t, true, ceiling);
      let [inFlight, most, left, handedBack] = [0, 0, 0, 0];
      const leave = (passage: Passage, how: RequestResult): void => {
        inFlight--;
        left++;
        passage.leave(how);
        passage.leave(ok);
      };
      for (const { how, afterMs } of results) {
        ask().then(
          (passage) => {
            most = Math.max(most, ++inFlight);
            return setTimeout(() => leave(passage, how), afterMs);
          },
          () => handedBack++,
        );
      }
      await wait(10_500);
      assert.ok(most <= ceiling);
      assert.deepEqual([left + handedBack, inFlight], [results.length, 0]);
    }),
    { numRuns: 30 },
  );
});

test('several gates are passed in order, and left together', async () => {
  const said: string[] = [];
  const gateOf = (name: string, unavailableSince: number | null, closed = false): RequestGate => ({
    enter: async () => {
      said.push(`into ${name}`);
      if (closed) throw new Error('closed');
      return { leave: ({ how }) => void said.push(`${how} ${name}`), unavailableSince };
    },
  });
  const passage = await throughGates(gateOf('a', null), gateOf('b', 7)).enter({ mostTokens: 1 }, never);
  assert.equal(passage.unavailableSince, 7);
  passage.leave(ok);
  assert.deepEqual(said.splice(0), ['into a', 'into b', 'answered a', 'answered b']);
  const gates = throughGates(gateOf('a', null), gateOf('b', null, true), gateOf('c', null));
  await assert.rejects(gates.enter({ mostTokens: 1 }, never), /closed/);
  assert.deepEqual(said, ['into a', 'into b', 'unsent a']);
});

test('where a gate has closed meanwhile, all are left, and entered anew', async () => {
  const said: string[] = [];
  const holds = [false, true];
  const gateOf = (name: string): RequestGate => ({
    enter: async () => {
      said.push(`into ${name}`);
      return {
        leave: ({ how }) => void said.push(`${how} ${name}`),
        confirm: () => name === 'b' || holds.shift()!,
      };
    },
  });
  (await throughGates(gateOf('a'), gateOf('b')).enter({ mostTokens: 1 }, never)).leave(ok);
  assert.deepEqual(said, [
    ...['into a', 'into b', 'unsent a', 'unsent b'],
    ...['into a', 'into b', 'answered a', 'answered b'],
  ]);
});

test('a refusal holds back also those that have passed and wait elsewhere before they are sent', async (t) => {
  const { ask, askAndPark, wait, let: entered } = door(t, false);
  const first = await ask();
  for (let n = 0; n < 3; n++) void askAndPark(500);
  await wait(100);
  first.leave(refusal(2000));
  await wait(1990);
  assert.equal(entered.length, 1);
  await wait(520);
  assert.equal(entered.length, 2, 'one tries');
  entered[1]!.leave(ok);
  await wait(600);
  assert.equal(entered.length, 4, 'the others follow');
});

test('those that have passed are handed back when a long hold begins', async (t) => {
  const { ask, askAndPark, wait } = door(t, false);
  const first = await ask();
  const parked = failureOf(askAndPark(500));
  first.leave(refusal(60_000));
  await wait(510);
  assert.equal((await parked).type, 'Request.HeldBack');
});

test('the one that tries has not tried while it waits elsewhere', async (t) => {
  const { ask, askAndPark, wait, let: entered } = door(t, false);
  (await ask()).leave(refusal(1000));
  void askAndPark(5000);
  void ask();
  await wait(5990);
  assert.equal(entered.length, 1);
  await wait(20);
  assert.equal(entered.length, 2, 'it tries');
  await wait(1900);
  assert.equal(entered.length, 2);
  await wait(200);
  assert.equal(entered.length, 3, 'it was not refused for long enough');
});

test('whatever waits elsewhere, nothing is sent before the time that a refusal named, and none is lost', async (t) => {
  const requests = fc.array(
    fc.record({
      how: fc.constantFrom(ok, unsent, refusal(300), refusal(1500), { ...ok, how: 'failed' as const }),
      startsAfterMs: fc.integer({ min: 0, max: 2000 }),
      parkedMs: fc.integer({ min: 0, max: 2500 }),
      afterMs: fc.integer({ min: 0, max: 300 }),
    }),
    { minLength: 1, maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(fc.boolean(), requests, async (auto, all) => {
      t.mock.timers.reset();
      const { askAndPark, wait, now } = door(t, auto);
      let [namedAt, over] = [0, 0];
      const tooEarly: number[] = [];
      const request = async ({ how, parkedMs, afterMs }: (typeof all)[number]): Promise<void> => {
        const passage = await askAndPark(parkedMs).catch(() => null);
        if (!passage) return void over++;
        if (now() < namedAt) tooEarly.push(now());
        setTimeout(() => {
          if (how.retryAfterMs !== null) namedAt = Math.max(namedAt, now() + how.retryAfterMs);
          passage.leave(how);
          over++;
        }, afterMs);
      };
      for (const one of all) setTimeout(() => void request(one), one.startsAfterMs);
      for (let n = 0; n < 60 && over < all.length; n++) await wait(1000);
      assert.deepEqual([over, tooEarly], [all.length, []]);
    }),
    { numRuns: 30 },
  );
});
