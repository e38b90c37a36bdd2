import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Lease, LeaseRequest } from '../../src/core/lease.ts';
import { createLeaseKeeper } from '../../src/throttling/lease-keeper.ts';
import { workerIdentity } from '../../src/system/worker-identity.ts';

const rates = { requests: 600, tokens: null };
const grant = (version: number, changes: Partial<Lease> = {}): Lease => ({
  ...{ version, rates, fair: rates, limits: rates, batches: 1, inTheWay: [] },
  ...{ validMs: 7000, askAgainMs: 1, ...changes },
});

/** A keeper whose questions are answered by a script, and which needs no lease after it. */
async function asked(t: TestContext, ...answers: (() => Lease)[]): Promise<LeaseRequest[]> {
  const questions: LeaseRequest[] = [];
  let over!: () => void;
  const done = new Promise<void>((resolve) => (over = resolve));
  const keeper = createLeaseKeeper({
    request: () => ({ worker: 'w', batchId: 'b', limits: rates, wants: rates }),
    ask: async (question) => {
      questions.push(question);
      return answers[questions.length - 1]!();
    },
    isNeeded: () => {
      if (questions.length === answers.length) over();
      return questions.length < answers.length;
    },
    granted: () => {},
    now: () => performance.now(),
  });
  t.after(() => keeper.close());
  keeper.wake(false);
  await done;
  return questions;
}

test('each question names the newest lease that has come, and a lost one names the one before', async (t) => {
  const lost = (): Lease => {
    throw new Error('no answer');
  };
  const questions = await asked(
    t,
    () => grant(4),
    lost,
    () => grant(6),
    () => grant(7),
  );
  assert.deepEqual(
    questions.map(({ seen }) => seen),
    [0, 4, 4, 6],
  );
});

test('a process in the way is named as dead where that is certain', async (t) => {
  const own = workerIdentity();
  const [name, , scope] = own.split('/');
  const before = `${name}/1/${scope}`;
  const inTheWay = [own, before, '1@elsewhere/1/scope'];
  const questions = await asked(
    t,
    () => grant(1, { inTheWay }),
    () => grant(2),
  );
  assert.deepEqual(
    questions.map(({ dead }) => dead),
    [[], [before]],
  );
});
