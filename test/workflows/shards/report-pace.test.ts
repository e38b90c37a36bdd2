import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ShardReport, ShardLoan } from '../../../src/core/shard-protocol.ts';
import { createReportPace, newsEveryMs } from '../../../src/workflows/shards/report-pace.ts';
import { newShardTally } from '../../../src/workflows/tally.ts';
import { batchInput } from '../../support/workflow-harness.ts';
import { sampleAccount } from '../sample-account.ts';

const loan = (facts: Partial<ShardLoan> = {}): ShardLoan => ({
  ...{ version: 1, slots: 2, keepSlots: 2, nanoUsd: null, keepMoneyFor: 'queue', lifts: 0, stop: 'no' },
  limits: batchInput('batch', { prompts: 1 }).settings.limits,
  ...facts,
});
const wants = { worstCostNanoUsd: 5, missingNanoUsd: 5 };

describe('what cannot wait', () => {
  const rows: [title: string, draft: Partial<ShardReport>, isUrgent: boolean, loan?: Partial<ShardLoan>][] = [
    ['nothing new', {}, false],
    ['prompts that settled', { tally: { ...newShardTally(), succeeded: 3 } }, false],
    ['slots to give back', { returnedSlots: 1 }, true],
    ['nothing is left to start', { dry: true }, true],
    ['a slot waits for money', { wants }, true],
    ['nothing is in progress any more, for want of money', { wants, running: 0 }, true],
    ['something stops it', { halt: { reason: 'account', message: 'no balance', lifts: 0 } }, true],
    ['the first money to give back', { returnedNanoUsd: 7 }, true],
    ['a new loan, without a cap', { loan: 2 }, false],
    ['a new loan under a cap', { loan: 2 }, false, { nanoUsd: 5 }],
    ['a new loan that asks for money', { loan: 2 }, true, { nanoUsd: 5, keepMoneyFor: 'slots' }],
  ];
  for (const [title, draft, isUrgent, terms] of rows) {
    test(`${title}: ${isUrgent ? 'at once' : 'now and then'}`, () => {
      const pace = createReportPace(0);
      pace.sent(sampleAccount(), 0);
      assert.equal(pace.isUrgent(sampleAccount(draft), loan(terms)), isUrgent);
    });
  }

  test('a shard that was started again tells at once, under a cap, what it had spent', () => {
    const pace = createReportPace(0);
    const unread = { execution: 2, spentBeforeNanoUsd: null };
    pace.sent(sampleAccount(unread), 0);
    const underACap = loan({ nanoUsd: 5 });
    assert.equal(pace.isUrgent(sampleAccount(unread), underACap), false);
    assert.equal(pace.isUrgent(sampleAccount({ execution: 2 }), underACap), true);
    assert.equal(
      pace.isUrgent(sampleAccount({ execution: 2 }), loan()),
      false,
      'without a cap it is no news',
    );
    pace.sent(sampleAccount({ execution: 2 }), 0);
    assert.equal(pace.isUrgent(sampleAccount({ execution: 2 }), underACap), false);
    pace.sent(sampleAccount({ spentBeforeNanoUsd: null }), 0);
    assert.equal(
      pace.isUrgent(sampleAccount(), underACap),
      false,
      'a first execution has spent nothing unknown',
    );
  });

  test('what was told is not urgent again', () => {
    const pace = createReportPace(0);
    const told = sampleAccount({ returnedSlots: 1, dry: true, wants, running: 0 });
    pace.sent(told, 0);
    assert.equal(pace.isUrgent(told, loan()), false);
  });
});

test('news are prompts that have settled since the last account', () => {
  const pace = createReportPace(0);
  const one = sampleAccount({ tally: { ...newShardTally(), failed: 1 } });
  assert.equal(pace.isNews(sampleAccount()), false);
  assert.equal(pace.isNews(one), true);
  pace.sent(one, 0);
  assert.equal(pace.isNews(one), false);
});

test('news are told once a second, and less and less often by a shard that takes long', () => {
  const pace = createReportPace(10_000);
  assert.equal(pace.waitMs(10_000), 1000);
  pace.sent(sampleAccount(), 12_000);
  assert.equal(pace.waitMs(12_400), 600);
  const hour = 3_600_000;
  pace.sent(sampleAccount(), hour);
  assert.ok(pace.waitMs(hour) > 60_000);
  let at = 0;
  let told = 0;
  for (const slow = createReportPace(0); at < 24 * hour; told++) {
    at += slow.waitMs(at);
    slow.sent(sampleAccount(), at);
  }
  assert.ok(told < 500, `${told} accounts in a day`);
});

test('an account that was lost is news again, with all that it said', () => {
  const pace = createReportPace(0);
  const told = sampleAccount({ returnedSlots: 1, tally: { ...newShardTally(), succeeded: 3 } });
  pace.sent(told, 0);
  assert.deepEqual([pace.isUrgent(told, loan()), pace.isNews(told)], [false, false]);
  pace.lost();
  assert.deepEqual([pace.isUrgent(told, loan()), pace.isNews(told)], [true, true]);
});

test('the shards that a long batch starts tell their news more seldom', () => {
  assert.deepEqual(
    [0, 50_000, 100_000, 3_600_000, Number.POSITIVE_INFINITY].map(newsEveryMs),
    [1000, 1000, 2000, 5000, 5000],
  );
  const pace = createReportPace(0, 5000);
  assert.equal(pace.waitMs(0), 5000);
});
