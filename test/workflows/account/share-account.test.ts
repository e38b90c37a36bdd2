import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Lease, LeaseRequest, Rates } from '../../../src/core/lease.ts';
import {
  type AccountState,
  accountView,
  LEASE_MS,
  LEASED_SHARE,
  NEW_ACCOUNT,
  shares,
  withLease,
  withoutHolder,
} from '../../../src/workflows/account/share-account.ts';

const LIMIT = 600;
const WHOLE = LIMIT * LEASED_SHARE;
const all: Rates = { requests: null, tokens: null };
const asking = (batchId: string, changes: Partial<LeaseRequest> = {}): LeaseRequest => ({
  ...{ worker: `worker of ${batchId}`, batchId, limits: { requests: LIMIT, tokens: null } },
  ...{ wants: all, seen: 0, dead: [], ...changes },
});
/** Within a millionth: sums of fractions. */
const near = (actual: number | null, expected: number): void =>
  assert.ok(Math.abs((actual ?? Infinity) - expected) < 1e-6 * expected, `${actual} is not ${expected}`);

/** An account and those that ask it, each as soon as it is told to. */
function createTable() {
  let state: AccountState = NEW_ACCOUNT;
  const seen = new Map<string, number>();
  return {
    ask: (now: number, batchId: string, changes: Partial<LeaseRequest> = {}): Lease => {
      const request = asking(batchId, { seen: seen.get(batchId) ?? 0, ...changes });
      const granted = withLease(state, request, now);
      state = granted.state;
      seen.set(batchId, granted.lease.version);
      return granted.lease;
    },
    leave: (batchId: string): void => {
      state = withoutHolder(state, { worker: `worker of ${batchId}`, batchId });
    },
    view: (now: number) => accountView(state, now),
  };
}

describe('what is there is dealt out', () => {
  const rows: [title: string, wants: (number | null)[], total: number, dealt: number[]][] = [
    ['to the only one', [null], 12, [12]],
    ['evenly', [null, null, null], 12, [4, 4, 4]],
    ['to the modest what they want, and the rest to the others', [1, null, null], 12, [1, 5.5, 5.5]],
    ['evenly where all want more than there is', [10, 20, null], 12, [4, 4, 4]],
    ['beyond what is wanted where nobody wants it', [1, 3], 12, [5, 7]],
    ['to nobody', [], 12, []],
  ];
  for (const [title, wants, total, dealt] of rows) {
    test(title, () => assert.deepEqual(shares(wants, total), dealt));
  }
});

test('a batch alone has all of what is leased', () => {
  const { ask } = createTable();
  assert.deepEqual(ask(0, 'a').rates, { requests: WHOLE, tokens: null });
});

test('a newcomer gets its part once the other has come down and has said so', () => {
  const { ask } = createTable();
  near(ask(0, 'a').rates.requests, WHOLE);
  const first = ask(100, 'b');
  assert.equal(first.rates.requests, 0);
  near(first.fair.requests, WHOLE / 2);
  assert.deepEqual(first.inTheWay, ['worker of a']);
  const smaller = ask(2000, 'a');
  near(smaller.rates.requests, WHOLE / 2);
  assert.ok(smaller.askAgainMs < 1000, 'what it hands over is soon of use');
  assert.equal(ask(2100, 'b').rates.requests, 0, 'the answer may not have reached a');
  near(ask(2500, 'a').rates.requests, WHOLE / 2);
  near(ask(2600, 'b').rates.requests, WHOLE / 2);
});

test('processes of one batch share its part', () => {
  const { ask } = createTable();
  const workers = ['one', 'two'];
  let rates: (number | null)[] = [];
  for (let now = 0; now < 20_000; now += 1000) {
    const lone = ask(now, 'a').rates.requests;
    rates = [lone, ...workers.map((worker) => ask(now, 'b', { worker, seen: Infinity }).rates.requests)];
  }
  near(rates[0]!, WHOLE / 2);
  near(rates[1]!, WHOLE / 4);
  near(rates[2]!, WHOLE / 4);
});

test('what one batch does not want the other has', () => {
  const { ask } = createTable();
  let lease = ask(0, 'a');
  for (let now = 0; now < 10_000; now += 1000) {
    ask(now, 'b', { wants: { requests: 100, tokens: null } });
    lease = ask(now, 'a');
  }
  near(lease.rates.requests, WHOLE - 100);
});

test('the lowest limit that anybody names holds for all', () => {
  const { ask } = createTable();
  ask(0, 'a');
  assert.deepEqual(ask(0, 'b', { limits: { requests: 60, tokens: 1000 } }).limits, {
    requests: 60,
    tokens: 1000,
  });
  const lease = ask(100, 'a');
  near(lease.rates.requests, (60 * LEASED_SHARE) / 2);
  near(lease.fair.tokens, (1000 * LEASED_SHARE) / 2);
});

describe('what was leased is there again', () => {
  const rows: [title: string, free: (table: ReturnType<typeof createTable>) => Lease][] = [
    [
      'when it is given back',
      ({ ask, leave }) => {
        leave('a');
        return ask(200, 'b');
      },
    ],
    ['when its time is over', ({ ask }) => ask(LEASE_MS, 'b')],
    ['when its holder is proven dead', ({ ask }) => ask(200, 'b', { dead: ['worker of a'] })],
  ];
  for (const [title, free] of rows) {
    test(title, () => {
      const table = createTable();
      table.ask(0, 'a');
      assert.equal(table.ask(100, 'b').rates.requests, 0);
      const { rates, batches } = free(table);
      near(rates.requests, WHOLE);
      assert.equal(batches, 1);
    });
  }
});

test('the view tells of each batch what it names and what it may send', () => {
  const { ask, view } = createTable();
  ask(0, 'a', { wants: { requests: 10, tokens: null } });
  assert.deepEqual(view(1), {
    limits: { requests: LIMIT, tokens: null },
    batches: [
      {
        batchId: 'a',
        limits: { requests: LIMIT, tokens: null },
        rates: { requests: WHOLE, tokens: null },
      },
    ],
  });
  assert.deepEqual(view(LEASE_MS).batches, []);
});

describe('under any order of questions, lost answers and deaths', () => {
  /** What a holder goes by: the newest lease that reached it. */
  interface Holding {
    rate: number;
    until: number;
    seen: number;
  }
  const step = fc.record({
    kind: fc.constantFrom('ask', 'ask', 'ask', 'lose the answer', 'leave', 'wait'),
    batch: fc.constantFrom('a', 'b', 'c'),
    worker: fc.constantFrom('1', '2'),
    wants: fc.constantFrom(null, 0, 50, 400),
    waitMs: fc.integer({ min: 1, max: 5000 }),
  });

  test('all that may be sent never comes to more than the limit', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let state = NEW_ACCOUNT;
        let now = 0;
        const holdings = new Map<string, Holding>();
        for (const { kind, batch, worker, wants, waitMs } of steps) {
          const key = `${worker} ${batch}`;
          if (kind === 'wait') {
            now += waitMs;
          } else if (kind === 'leave') {
            holdings.delete(key);
            state = withoutHolder(state, { worker, batchId: batch });
          } else {
            const seen = holdings.get(key)?.seen ?? 0;
            const request = asking(batch, { worker, wants: { requests: wants, tokens: null }, seen });
            const granted = withLease(state, request, now);
            state = granted.state;
            const { rates, version } = granted.lease;
            if (kind === 'ask')
              holdings.set(key, { rate: rates.requests!, until: now + LEASE_MS, seen: version });
          }
          const used = [...holdings.values()].reduce(
            (sum, { rate, until }) => sum + (until > now ? rate : 0),
            0,
          );
          assert.ok(used <= WHOLE + 1e-6, `${used} at ${now}`);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('whoever goes on asking gets its fair part, whatever was before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let state = NEW_ACCOUNT;
        let now = 0;
        for (const { batch, worker, wants, waitMs } of steps) {
          now += waitMs;
          const request = asking(batch, { worker, wants: { requests: wants, tokens: null } });
          state = withLease(state, request, now).state;
        }
        const last = new Map<string, Lease>();
        for (let round = 0; round < 20; round++) {
          for (const batchId of ['a', 'b']) {
            now += 500;
            const seen = last.get(batchId)?.version ?? 0;
            const granted = withLease(state, asking(batchId, { seen }), now);
            state = granted.state;
            last.set(batchId, granted.lease);
          }
        }
        near(last.get('a')!.rates.requests, WHOLE / 2);
        near(last.get('b')!.rates.requests, WHOLE / 2);
      }),
    );
  });
});
