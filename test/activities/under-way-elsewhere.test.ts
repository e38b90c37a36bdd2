/** A request that another process may still get an answer to is not bought again. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createUnderWayElsewhere } from '../../src/activities/under-way-elsewhere.ts';
import type { PromptHistory } from '../../src/store/ledger/prompt-history.ts';
import type { FaultRecord, ReopenedRecord, StartRecord } from '../../src/store/ledger/records.ts';
import type { Liveness } from '../../src/store/workers/worker-liveness.ts';
import { LAPSE_MS } from '../../src/core/lapse.ts';
import { answer, fault, historyOf, start } from '../store/support/records.ts';
import { promptDesk, toldTemporal } from './support/prompt-desk.ts';
import { good, held, ScriptedApi } from './support/scripted-api.ts';

const one = { prompt_id: 'p1', prompt: 'x', completions: 1 };
const nothing = (): ScriptedApi => new ScriptedApi([]);
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => assert.fail('the activity did not fail'),
    (error: unknown) => toldTemporal(error),
  );

/** The liveness of a process among others, as a test wants it. */
function livenessOf({ alive = [] as string[] } = {}) {
  const state = { life: 1, aliveSince: Number.NEGATIVE_INFINITY, alive: new Set(alive), renewals: 0 };
  const liveness: Liveness = {
    get aliveSince() {
      return state.aliveSince;
    },
    get hasPeers() {
      return state.alive.size > 0;
    },
    assure: async () => (state.renewals++, state.life),
    holds: (life) => life === state.life,
    isAlive: (identity) => state.alive.has(identity),
  };
  /** Others may have taken it for dead meanwhile. */
  const lapse = (): void => {
    state.life++;
    state.aliveSince = performance.now();
  };
  return { liveness, state, lapse };
}

/** Process A has a request under way; B is asked for the same prompt. */
async function twoProcesses(t: TestContext, ofB: ScriptedApi, completions = 1) {
  const request = held(good);
  const script = Array.from({ length: completions }, (_, at) => (at === 0 ? request.reply : good));
  const a = await promptDesk(t, new ScriptedApi(script), { ...one, completions }, undefined, {
    worker: 'a@one',
  });
  const { liveness, state } = livenessOf({ alive: ['a@one'] });
  const b = a.restart(ofB, { worker: 'b@two', liveness });
  const first = a.begin();
  await request.asked;
  return { a, b, first, request, state };
}

test('a prompt whose request is under way in a live process is handed back, and settled once its answer is there', async (t) => {
  const { b, first, request } = await twoProcesses(t, nothing());
  const { type, message, nonRetryable, nextRetryDelay } = await failureOf(b.complete({ attempt: 2 }));
  assert.deepEqual([type, nonRetryable, nextRetryDelay], ['Request.Elsewhere', false, 3000]);
  assert.match(message, /^its request is under way in another process: a@one; asked again in 3 s$/);
  assert.deepEqual(
    (await b.onDisk()).map((record) => record.type),
    ['start'],
    'a hand-back leaves no record: it counts against nothing',
  );
  request.release();
  const receipt = await first.receipt;
  assert.deepEqual(await b.complete({ attempt: 3 }), receipt);
});

test('any number of hand-backs loses nobody a prompt', async (t) => {
  const { b, first, request } = await twoProcesses(t, nothing());
  for (let attempt = 2; attempt < 12; attempt++)
    assert.equal((await failureOf(b.complete({ attempt }))).type, 'Request.Elsewhere');
  request.release();
  assert.equal((await first.receipt).status, 'succeeded');
});

test('the request of a dead process is bought again, and stands as lost', async (t) => {
  const { b, first, request, state } = await twoProcesses(t, new ScriptedApi([good]));
  state.alive.clear();
  const receipt = await b.complete({ attempt: 2 });
  assert.equal(receipt.status, 'succeeded');
  assert.equal(receipt.spentNanoUsd, 107, 'what it may have cost is on the bill');
  request.release();
  await first.receipt;
});

test('the late answer of a process that was taken for dead is kept, and named by no end that counts', async (t) => {
  const { b, first, request, state } = await twoProcesses(t, new ScriptedApi([good]));
  state.alive.clear();
  const receipt = await b.complete({ attempt: 2 });
  request.release();
  await first.receipt;
  const answers = (await b.onDisk()).filter((record) => record.type === 'answer');
  assert.equal(answers.length, 2);
  const again = await b.complete({ attempt: 3 });
  assert.deepEqual(again.answers, receipt.answers);
  assert.equal(again.paid.costNanoUsd, 14, 'both are on the bill');
});

test('a prompt of which a sample is missing is not failed while the rest is under way elsewhere', async (t) => {
  const { b, first, request, a } = await twoProcesses(t, nothing());
  // Four lost workers, and the fifth lives.
  const { writer } = await a.store.openShard(0);
  for (const id of ['s1', 's2', 's3', 's4'])
    await writer.append(start(id, { worker: 'gone@three', at: '2025-01-01T00:00:00.000Z' }), {
      durable: true,
    });
  assert.equal((await failureOf(b.complete({ attempt: 2 }))).type, 'Request.Elsewhere');
  request.release();
  await first.receipt;
});

test('a process that was taken for dead before it sends looks anew first', async (t) => {
  const { liveness, lapse } = livenessOf();
  const gate = {
    enter: async () => (lapse(), { leave: () => {} }),
  };
  let entries = 0;
  const once = { enter: async () => (entries++ === 0 ? gate.enter() : { leave: () => {} }) };
  const api = new ScriptedApi([good]);
  const desk = await promptDesk(t, api, one, once, { liveness });
  await desk.complete();
  assert.equal(entries, 2, 'it decided anew, and sent then');
  assert.deepEqual(api.asked(), [[1]]);
});

test('a process that is frozen between the start’s record and its sending does not send it, and says so', async (t) => {
  const { liveness, lapse } = livenessOf();
  const api = new ScriptedApi([good]);
  const desk = await promptDesk(t, api, one, undefined, {
    liveness: {
      ...liveness,
      // The moment after the start was written is the last one at which it is asked.
      holds: (
        (asked = 0) =>
        (life: number) => {
          if (++asked === 2) lapse();
          return liveness.holds(life);
        }
      )(),
    },
  });
  const receipt = await desk.complete();
  assert.deepEqual(api.asked(), [[1]]);
  const records = await desk.onDisk();
  const [unsent] = records.filter((record): record is FaultRecord => record.type === 'fault');
  assert.deepEqual([unsent?.failure, unsent?.possiblyPaid], ['Completion.Aborted', false]);
  assert.equal(records.filter(({ type }) => type === 'start').length, 2);
  assert.equal(receipt.spentNanoUsd, 7, 'what was not sent costs nothing');
});

test('of two that have one prompt in hand, the one that writes its start later sees the other and does not send', async (t) => {
  const request = held(good);
  const a = await promptDesk(t, new ScriptedApi([request.reply]), one, undefined, { worker: 'a@one' });
  const { liveness } = livenessOf({ alive: ['a@one'] });
  let first: Promise<unknown> = Promise.resolve();
  const api = nothing();
  const b = a.restart(api, {
    worker: 'b@two',
    liveness: { ...liveness, hasPeers: true },
    // After its look, and before its start is written, the other one sends.
    gate: {
      enter: async () => {
        first = a.complete();
        await request.asked;
        return { leave: () => {} };
      },
    },
  });
  assert.equal((await failureOf(b.complete({ attempt: 2 }))).type, 'Request.Elsewhere');
  request.release();
  await first;
  assert.equal(api.requests.length, 0);
});

test('a process that cannot give a sign of life sends nothing, and the batch pauses for its storage', async (t) => {
  const { liveness } = livenessOf();
  const cutOff = Object.assign(new Error('EIO: i/o error, open'), { code: 'EIO', syscall: 'open' });
  const desk = await promptDesk(t, nothing(), one, undefined, {
    liveness: { ...liveness, assure: () => Promise.reject(cutOff) },
  });
  const { type, nonRetryable } = await failureOf(desk.complete());
  assert.deepEqual([type, nonRetryable], ['Storage.Failed', true]);
});

// ---------------------------------------------------------------- which requests count

const reopened = (run: number): ReopenedRecord => ({
  ...{ type: 'reopened', id: `r${run}`, index: 0, run, turn: 0, attempt: 0 },
  at: '2026-01-01T00:00:00.000Z',
});
const theirs = (id: string, more: Partial<StartRecord> = {}) => start(id, { worker: 'a@one', ...more });
const limits = { requestTimeoutMs: 600_000 };

const cases: [title: string, history: PromptHistory, found: string | null][] = [
  ['a request without an end', historyOf(theirs('s1')), 's1'],
  ['one that was answered', historyOf(theirs('s1'), answer('a1', { start: 's1' })), null],
  ['one that came back with a fault', historyOf(theirs('s1'), fault('f1', { start: 's1' })), null],
  ['one of this very process', historyOf(start('s1', { worker: 'me' })), null],
  ['one of a dead process', historyOf(start('s1', { worker: 'dead@two' })), null],
  ['one of before the prompt was reopened', historyOf(theirs('s1'), reopened(2)), null],
  ['one of after it was reopened', historyOf(reopened(2), theirs('s2', { run: 2, turn: 1 })), 's2'],
  ['one of an earlier run', historyOf(theirs('s1', { run: 1 }), start('s2', { run: 2, worker: 'me' })), 's1'],
];
for (const [title, history, found] of cases) {
  test(`${found ? 'under way' : 'over'}: ${title}`, () => {
    const liveness = { isAlive: (identity: string) => identity === 'a@one' };
    const underWay = createUnderWayElsewhere({ liveness, worker: 'me' });
    assert.equal(underWay(history, limits)?.id ?? null, found);
  });
}

for (const [own, present, waited] of [
  [600_000, 30_000, 600_000],
  [30_000, 600_000, 600_000],
  [undefined, 30_000, 30_000],
] as const) {
  test(`a request sent with a timeout of ${own} ms is waited for, now that it is ${present} ms, for ${waited} ms`, () => {
    let now = 1000;
    const underWay = createUnderWayElsewhere({
      ...{ liveness: { isAlive: () => true }, worker: 'me', monotonic: () => now },
    });
    const history = historyOf(theirs('s1', own === undefined ? {} : { requestTimeoutMs: own }));
    const isUnderWay = () => underWay(history, { requestTimeoutMs: present }) !== null;
    assert.ok(isUnderWay());
    now += waited + LAPSE_MS;
    assert.ok(isUnderWay());
    now += 1;
    assert.ok(!isUnderWay());
  });
}

test('a start notes the timeout of its request', async (t) => {
  const desk = await promptDesk(t, new ScriptedApi([good]), one);
  await desk.complete({ limits: { requestTimeoutMs: 123_000 } });
  const [sent] = (await desk.onDisk()).filter((record): record is StartRecord => record.type === 'start');
  assert.equal(sent?.requestTimeoutMs, 123_000);
});

test('a request is waited for until its own deadline, counted from when it was first seen, and the lapse', () => {
  let now = 1000;
  const liveness = { isAlive: () => true };
  const underWay = createUnderWayElsewhere({ liveness, worker: 'me', monotonic: () => now });
  const history = historyOf(theirs('s1'));
  assert.ok(underWay(history, limits));
  now += limits.requestTimeoutMs + LAPSE_MS;
  assert.ok(underWay(history, limits));
  now += 1;
  assert.equal(underWay(history, limits), null);
  assert.ok(underWay(historyOf(theirs('s1'), theirs('s2')), limits), 'a later one has its own deadline');
});
