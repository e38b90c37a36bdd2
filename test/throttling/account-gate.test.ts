import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { type AccountGate, createAccountGate } from '../../src/throttling/account-gate.ts';
import type { Lease, LeaseRequest } from '../../src/core/lease.ts';
import { answered, type RequestResult, unanswered, unsent } from '../../src/activities/request-gate.ts';
import type { AccountLimits } from '../../src/core/settings.ts';

const limits: AccountLimits = { name: 'acme', requestsPerMinute: 6000, tokensPerMinute: null };

/** A gate in made-up time, at an account that grants what it is told to. */
function openGate(t: TestContext, named: Partial<AccountLimits> = {}, grant: Partial<Lease> = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let ms = 0;
  const wait = async (forMs: number): Promise<void> => {
    for (let left = forMs; left > 0; left -= 10) {
      ms += 10;
      t.mock.timers.tick(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const asked: LeaseRequest[] = [];
  const stopping = new AbortController();
  const account = { ...limits, ...named };
  const rates = { requests: account.requestsPerMinute, tokens: account.tokensPerMinute };
  const gate = createAccountGate(account, {
    worker: 'worker',
    batchId: 'batch',
    ask: async (request) => {
      asked.push(request);
      return {
        ...{ version: asked.length, rates, fair: rates, validMs: 60_000, askAgainMs: 60_000 },
        ...{ limits: rates, batches: 1, inTheWay: [], ...grant },
      };
    },
    stopping: stopping.signal,
    now: () => ms,
    onLease: () => {},
  });
  t.after(() => gate.close());
  /** Lets time pass until this is over. */
  const over = async <T>(work: Promise<T>): Promise<T> => {
    const ends: unknown[] = [];
    const noted = (end: unknown): number => ends.push(end);
    work.then(noted, noted);
    while (ends.length === 0) await wait(10);
    return work;
  };
  return { gate, asked, stopping, wait, over };
}

const enter = (gate: AccountGate, promptId: string, mostTokens = 10) =>
  gate.enter({ mostTokens, promptId }, new AbortController().signal);

const failureOf = (entering: Promise<unknown>): Promise<ApplicationFailure> =>
  entering.then(
    () => assert.fail('it passed'),
    (error: unknown) => {
      if (error instanceof ApplicationFailure) return error;
      throw error;
    },
  );

/** The provider counted this. */
const counting = (total: number): RequestResult =>
  answered(
    {
      choices: [],
      model: 'm',
      requestId: null,
      usage: { prompt: 0, completion: 0, cached: 0, reasoning: 0, total },
    },
    1,
  );

test('requests pass in the order in which they came, under one lease', async (t) => {
  const { gate, asked, over } = openGate(t);
  const order: string[] = [];
  const prompts = ['one', 'two', 'three', 'four'];
  await over(Promise.all(prompts.map((prompt) => enter(gate, prompt).then(() => order.push(prompt)))));
  assert.deepEqual(order, prompts);
  assert.deepEqual(asked, [
    {
      ...{ worker: 'worker', batchId: 'batch', limits: { requests: 6000, tokens: null } },
      ...{ wants: { requests: null, tokens: null }, seen: 0, dead: [] },
    },
  ]);
});

test('who would wait long goes away, says why, and comes back to its place', async (t) => {
  const { gate, over } = openGate(t, { requestsPerMinute: 600 });
  await over(enter(gate, 'first'));
  const crowd = Array.from({ length: 55 }, (_, at) => enter(gate, `crowd ${at}`).catch(() => {}));
  const failure = await over(failureOf(enter(gate, 'late')));
  assert.equal(failure.type, 'Account.Turn');
  assert.equal(failure.nonRetryable ?? false, false);
  assert.match(
    failure.message,
    /^account acme allows 600 requests a minute: this request's turn comes in [56] s$/,
  );
  assert.ok(Number(failure.nextRetryDelay) > 2000 && Number(failure.nextRetryDelay) < 5000);
  const later = await over(failureOf(enter(gate, 'later')));
  assert.ok(Number(later.nextRetryDelay) > Number(failure.nextRetryDelay));
  void crowd;
});

test('whose turn is far off comes back within a minute: its part may have grown', async (t) => {
  const { gate, over } = openGate(t, { requestsPerMinute: 1 });
  const [, , third] = await over(
    Promise.all(['one', 'two', 'three'].map((prompt) => failureOf(enter(gate, prompt)))),
  );
  assert.match(third!.message, /this request's turn comes in 1\d\d s$/);
  assert.equal(third!.nextRetryDelay, 60_000);
});

test('of the limits that prompts name those hold that were set last', (t) => {
  const { gate } = openGate(t);
  const named = (requestsPerMinute: number, setAt?: number): number | null => {
    gate.named({ ...limits, requestsPerMinute, ...(setAt !== undefined && { setAt }) });
    return gate.limits.requestsPerMinute;
  };
  assert.deepEqual(
    [named(60, 5), named(6000), named(60, 5), named(600, 6), named(60, 5)],
    [60, 60, 60, 600, 600],
  );
});

test('a request that is not sent gives its permit back', async (t) => {
  const { gate, wait } = openGate(t, { requestsPerMinute: 60 }, {});
  const passed: string[] = [];
  void enter(gate, 'first').then((passage) => {
    passage.leave(unsent);
    return passed.push('first');
  });
  await wait(1200);
  assert.deepEqual(passed, ['first']);
  void enter(gate, 'second').then(() => passed.push('second'));
  await wait(500);
  assert.deepEqual(passed, ['first', 'second']);
});

test('tokens are charged by what answers came to', async (t) => {
  const { gate, over } = openGate(t, { requestsPerMinute: null, tokensPerMinute: 60_000 });
  const first = await over(enter(gate, 'first', 100_000));
  first.leave(counting(100));
  first.leave(counting(1e9));
  const passages = [];
  for (let count = 0; count < 3; count++) passages.push(await over(enter(gate, `next ${count}`, 100_000)));
  assert.equal(passages.length, 3);
});

test('what the provider refused comes before those who came later', async (t) => {
  const { gate, over } = openGate(t, { requestsPerMinute: 600 });
  const refused = await over(enter(gate, 'refused'));
  const order: string[] = [];
  const later = Promise.all(
    ['a', 'b', 'c'].map((prompt) => enter(gate, prompt).then(() => order.push(prompt))),
  );
  refused.leave(
    unanswered({ failure: 'Completion.Unavailable', status: 429, message: 'slow down', retryAfterMs: 0 }, 1),
  );
  await over(Promise.all([later, enter(gate, 'refused').then(() => order.push('refused'))]));
  assert.deepEqual(order, ['refused', 'a', 'b', 'c']);
});

test('nobody waits in a worker that stops, or for a prompt that is cancelled', async (t) => {
  const { gate, stopping } = openGate(t, { requestsPerMinute: 30 });
  const cancelling = new AbortController();
  const cancelled = gate.enter({ mostTokens: 1, promptId: 'cancelled' }, cancelling.signal);
  cancelling.abort(new Error('cancelled'));
  await assert.rejects(cancelled, /^Error: cancelled$/);
  const waiting = failureOf(enter(gate, 'waiting'));
  stopping.abort();
  assert.equal((await waiting).type, 'Worker.Stopping');
  assert.equal((await failureOf(enter(gate, 'too late'))).type, 'Worker.Stopping');
});
