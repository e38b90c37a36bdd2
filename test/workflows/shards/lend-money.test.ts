import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { exposedNanoUsd, lendMoney, type MoneyLoan } from '../../../src/workflows/shards/lend-money.ts';
import { LendingModel } from '../../support/lending-model.ts';

const loan = (facts: Partial<MoneyLoan> = {}): MoneyLoan => ({
  slots: 1,
  returnedSlots: 0,
  nanoUsd: 0,
  isUncounted: false,
  keepMoneyFor: 'queue',
  returnedNanoUsd: 0,
  spentBeforeNanoUsd: 0,
  spentNanoUsd: 0,
  reservedNanoUsd: 0,
  missingNanoUsd: null,
  isIdle: false,
  isUpToDate: true,
  ...facts,
});
const wanting = (missingNanoUsd: number, facts: Partial<MoneyLoan> = {}): MoneyLoan =>
  loan({ missingNanoUsd, isIdle: true, ...facts });

describe('what a shard may still cost', () => {
  const rows: [title: string, facts: Partial<MoneyLoan>, exposed: number][] = [
    ['what it was lent', { nanoUsd: 100 }, 100],
    ['less what it gave back', { nanoUsd: 100, returnedNanoUsd: 30 }, 70],
    ['spending is part of what it was lent', { nanoUsd: 100, spentNanoUsd: 60, reservedNanoUsd: 20 }, 100],
    ['what was spent before comes on top', { nanoUsd: 100, spentBeforeNanoUsd: 40 }, 140],
    ['without a cap, what it spent and reserved', { nanoUsd: null, spentNanoUsd: 5, reservedNanoUsd: 7 }, 12],
    [
      'under a new cap it may be more than it was lent',
      { nanoUsd: 3, spentNanoUsd: 5, reservedNanoUsd: 7 },
      12,
    ],
  ];
  for (const [title, facts, exposed] of rows)
    test(title, () => assert.equal(exposedNanoUsd(loan(facts)), exposed));
});

test('without a cap nothing is counted, and what was lent under one is not any more', () => {
  const loans = [loan({ nanoUsd: 100, keepMoneyFor: 'nothing' }), wanting(50)];
  assert.equal(lendMoney(loans, 1e12, null), true);
  assert.deepEqual(
    loans.map(({ nanoUsd, keepMoneyFor }) => [nanoUsd, keepMoneyFor]),
    [
      [null, 'queue'],
      [null, 'queue'],
    ],
  );
});

test('a shard that starts gets half of what is free, and the next one half of the rest', () => {
  const loans = [loan({ nanoUsd: null }), loan({ nanoUsd: null })];
  assert.equal(lendMoney(loans, 200, 1000), true);
  assert.deepEqual(
    loans.map(({ nanoUsd }) => nanoUsd),
    [400, 200],
  );
});

test('a shard without slots gets nothing before it has some and asks', () => {
  const loans = [loan({ nanoUsd: null, slots: 0 }), loan({ nanoUsd: null })];
  assert.equal(lendMoney(loans, 200, 1000), true);
  assert.deepEqual(
    loans.map(({ nanoUsd }) => nanoUsd),
    [0, 400],
  );
});

describe('a cap that comes while shards run', () => {
  const lentWithoutCap = (facts: Partial<MoneyLoan> = {}): MoneyLoan => {
    const without = loan({ nanoUsd: null, ...facts });
    lendMoney([without], 0, null);
    return without;
  };
  const terms = (loans: readonly MoneyLoan[]) =>
    loans.map(({ nanoUsd, keepMoneyFor }) => [nanoUsd, keepMoneyFor]);

  test('lends nothing to anyone before each has told what it has spent and reserved', () => {
    const [running, silent, starting] = [lentWithoutCap(), lentWithoutCap(), loan({ nanoUsd: null })];
    const loans = [running, silent, starting];
    assert.equal(lendMoney(loans, 0, 1000), true);
    const asked = [
      [0, 'nothing'],
      [0, 'nothing'],
      [0, 'queue'],
    ];
    assert.deepEqual(terms(loans), asked);
    Object.assign(running, { isUpToDate: true, spentNanoUsd: 300, reservedNanoUsd: 100 });
    assert.equal(lendMoney(loans, 0, 1000), true);
    assert.deepEqual(terms(loans), asked, 'the silent one may have reserved as much');
    Object.assign(silent, { isUpToDate: true, reservedNanoUsd: 400 });
    assert.equal(lendMoney(loans, 0, 1000), true);
    assert.deepEqual(terms(loans), [
      [400 + 100, 'queue'],
      [400 + 50, 'queue'],
      [0, 'queue'],
    ]);
  });

  test('is not at its end while one has not told', () => {
    const loans = [lentWithoutCap(), wanting(50, { keepMoneyFor: 'nothing' })];
    assert.equal(lendMoney(loans, 0, 10), true);
  });

  test('is asked about anew where it was lifted meanwhile', () => {
    const one = lentWithoutCap();
    lendMoney([one], 0, 1000);
    lendMoney([one], 0, null);
    one.isUpToDate = true;
    lendMoney([one], 0, 500);
    assert.deepEqual([one.nanoUsd, one.isUpToDate], [0, false]);
  });

  test('is not lessened by what was given back under the one before', () => {
    const one = lentWithoutCap({ returnedNanoUsd: 500, reservedNanoUsd: 70 });
    lendMoney([one], 0, 1000);
    assert.equal(one.nanoUsd, 500, 'nothing to start with, though what it had reserved may have ended');
    Object.assign(one, { isUpToDate: true, spentNanoUsd: 300, reservedNanoUsd: 100 });
    lendMoney([one], 0, 1000);
    assert.equal((one.nanoUsd ?? 0) - 500, 400 + 300);
  });
});

test('what a shard has spent beyond its loan is not counted twice where it wants more', () => {
  const loans = [wanting(350, { nanoUsd: 100, spentNanoUsd: 400 })];
  assert.equal(lendMoney(loans, 0, 450), true);
  assert.deepEqual([loans[0]?.nanoUsd, loans[0]?.missingNanoUsd], [450, null]);
});

test('a shard that wants money gets what is missing, and more where more is free', () => {
  const loans = [wanting(50, { nanoUsd: 100, spentNanoUsd: 100 })];
  assert.equal(lendMoney(loans, 0, 1000), true);
  assert.equal(loans[0]?.nanoUsd, 100 + 450);
  const tight = [wanting(50, { nanoUsd: 100, spentNanoUsd: 100 })];
  assert.equal(lendMoney(tight, 0, 150), true);
  assert.equal(tight[0]?.nanoUsd, 150);
});

test('what a shard wants is old news until it has answered the last loan', () => {
  const loans = [wanting(50, { isUpToDate: false })];
  assert.equal(lendMoney(loans, 0, 1000), true);
  assert.equal(loans[0]?.nanoUsd, 0);
});

test('money that lies idle is asked for before the batch is said to be at its cap', () => {
  const rich = loan({ nanoUsd: 100 });
  const poor = wanting(50);
  assert.equal(lendMoney([rich, poor], 0, 120), true);
  assert.deepEqual([rich.keepMoneyFor, poor.keepMoneyFor], ['slots', 'nothing']);
  // Both have answered; the rich one still works, and may have something to spare later.
  assert.equal(lendMoney([rich, poor], 0, 120), true);
  // It has finished and wants more itself, and both have given back what they had.
  Object.assign(rich, { returnedNanoUsd: 0, spentNanoUsd: 100, missingNanoUsd: 40, isIdle: true });
  assert.equal(lendMoney([rich, poor], 0, 120), true, 'it is asked for the last of it first');
  assert.equal(lendMoney([rich, poor], 0, 120), false);
});

test('a shard without slots keeps nobody from seeing that nothing goes on', () => {
  const stuck = wanting(50, { keepMoneyFor: 'nothing' });
  const slotless = loan({ slots: 4, returnedSlots: 4, isIdle: true, keepMoneyFor: 'slots' });
  assert.equal(lendMoney([stuck, slotless], 0, 40), false);
  assert.equal(lendMoney([stuck, { ...slotless, isUpToDate: false }], 0, 40), true, 'it may give some back');
  assert.equal(lendMoney([stuck, { ...slotless, returnedSlots: 3 }], 0, 40), true, 'it is about to start');
  const rich = { ...slotless, nanoUsd: 30 };
  assert.equal(lendMoney([stuck, rich], 0, 40), true, 'it gives that back when it has read what it needs');
  assert.equal(lendMoney([stuck, { ...rich, returnedNanoUsd: 10, spentNanoUsd: 20 }], 0, 40), false);
});

test('a prompt without a price is never lent for, and ends it', () => {
  const loans = [wanting(Number.MAX_SAFE_INTEGER, { keepMoneyFor: 'nothing' })];
  assert.equal(lendMoney(loans, 0, 1_000_000), false);
});

test('a cap below what is lent calls back everything that is not in use', () => {
  const loans = [loan({ nanoUsd: 800, spentNanoUsd: 100 })];
  assert.equal(lendMoney(loans, 0, 500), true);
  assert.equal(loans[0]?.keepMoneyFor, 'nothing');
});

test('a batch whose shards are all done has no use for money', () => {
  assert.equal(lendMoney([], 1000, 500), true);
});

describe('however messages travel', () => {
  const shardsOf = [0, 1, 2];
  const costs = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 });
  const shards = fc.tuple(costs, costs, costs);
  const cap = fc.integer({ min: 20, max: 200 });
  const anyStep = fc.record({
    kind: fc.oneof(
      { weight: 40, arbitrary: fc.constant('go' as const) },
      { weight: 1, arbitrary: fc.constantFrom('set' as const, 'lift' as const, 'die' as const) },
    ),
    which: fc.nat({ max: 999 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

  /** What may happen next, beside starts: each tells whether it did. */
  const acts = (model: LendingModel, share: number): (() => boolean)[] =>
    shardsOf.flatMap((at) => [
      () => model.begin(at),
      () => model.deliver(at),
      () => model.acknowledge(at),
      () => model.read(at),
      () => model.report(at, false),
      () => model.hear(at),
      () => model.end(at),
      () => model.finish(at, share),
      () => model.report(at, true),
    ]);

  /** One of the things that may happen at this moment. `started` hears of a start, and whether its shard knew the cap. */
  const take = (model: LendingModel, most: number, step: Step, started: (knew: boolean) => void): void => {
    const { kind, which, share } = step;
    if (kind === 'set') return model.set(most);
    if (kind === 'lift') return model.set(null);
    if (kind === 'die') return model.dieAndBeginAgain(which % 3);
    const start = (at: number): boolean => {
      const knew = model.start(at);
      if (knew !== null) started(knew);
      return knew !== null;
    };
    const plan = (): boolean => {
      model.plan();
      return true;
    };
    const all = [...acts(model, share), ...shardsOf.map((at) => () => start(at)), plan, plan];
    const first = which % all.length;
    [...all.slice(first), ...all.slice(0, first)].find((act) => act());
  };

  test('who knows of a cap starts nothing past it, whatever was under way when it came', () => {
    const steps = fc.array(anyStep, { minLength: 50, maxLength: 400, size: 'max' });
    fc.assert(
      fc.property(steps, shards, cap, fc.boolean(), (each, open, most, isCapped) => {
        const model = new LendingModel(6, open);
        if (isCapped) model.set(most);
        for (const one of each)
          take(model, most, one, (knew) => {
            const { committedNanoUsd } = model;
            if (knew && model.cap !== null)
              assert.ok(committedNanoUsd <= most, `${committedNanoUsd} of ${most}`);
          });
      }),
      { numRuns: 300 },
    );
  });

  /** All that may happen happens, and nobody is in a hurry to tell news. False: the batch stands still at its cap. */
  const runOut = (model: LendingModel, share: number): boolean => {
    for (let rounds = 0, moved = true; moved; rounds++) {
      assert.ok(rounds < 1000, 'messages go round without an end');
      model.plan();
      moved = false;
      for (const at of shardsOf) {
        const now = [model.begin(at), model.deliver(at), model.acknowledge(at), model.read(at)];
        const then = [model.start(at) !== null, model.report(at, false), model.hear(at), model.end(at)];
        moved ||= [...now, ...then].includes(true);
      }
      moved ||= shardsOf.some((at) => model.finish(at, share));
      moved ||= shardsOf.some((at) => model.report(at, true));
    }
    return model.plan();
  };

  test('all of it is used, and only then the batch is at its cap', () => {
    const steps = fc.array(anyStep, { maxLength: 200, size: 'max' });
    const shares = fc.constantFrom(0, 0.5, 1, 2);
    fc.assert(
      fc.property(steps, shards, cap, shares, fc.boolean(), (each, open, most, share, isCapped) => {
        const model = new LendingModel(6, open);
        if (isCapped) model.set(most);
        for (const one of each) take(model, most, one, () => undefined);
        model.set(most);
        assert.equal(runOut(model, share), model.isOver, 'it pauses if and only if something is left');
        const { nextWorstCosts, committedNanoUsd } = model;
        for (const worst of nextWorstCosts)
          assert.ok(committedNanoUsd + worst > most, `${worst} fits: ${committedNanoUsd} of ${most}`);
      }),
      { numRuns: 300 },
    );
  });
});
