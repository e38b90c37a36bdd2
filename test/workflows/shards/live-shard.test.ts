import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ShardReport } from '../../../src/core/shard-protocol.ts';
import {
  type LiveShard,
  newLiveShard,
  nextLoan,
  restartShard,
  applyShardReport,
} from '../../../src/workflows/shards/live-shard.ts';
import { newShardTally } from '../../../src/workflows/tally.ts';
import { batchInput } from '../../support/workflow-harness.ts';
import { sampleAccount } from '../sample-account.ts';

const { limits } = batchInput('batch', { prompts: 1 }).settings;
const sent = (shard: LiveShard): LiveShard => {
  const loan = nextLoan(shard, { limits, lifts: 0, stop: 'no' });
  return Object.assign(shard, { sent: loan, phase: 'open' } satisfies Partial<LiveShard>);
};
const first = (): LiveShard => Object.assign(newLiveShard(3, 1, newShardTally()), { nanoUsd: 50 });
const account = (facts: Partial<ShardReport> = {}): ShardReport =>
  sampleAccount({ spentNanoUsd: 20, reservedNanoUsd: 10, ...facts });

describe('a shard is up to date', () => {
  const rows: [title: string, told: Partial<ShardReport>, due: Partial<LiveShard>, isUpToDate: boolean][] = [
    ['when it has answered the newest loan', {}, {}, true],
    ['not with an answer to one before it', { loan: 0 }, {}, false],
    ['not while another amount is on its way', {}, { nanoUsd: 60 }, false],
    ['not while it is about to be asked for money', {}, { keepMoneyFor: 'nothing' }, false],
    ['also before it has read its plan: it has spent nothing', { spentBeforeNanoUsd: null }, {}, true],
  ];
  for (const [title, told, due, isUpToDate] of rows) {
    test(title, () => {
      const shard = Object.assign(sent(first()), due);
      applyShardReport(shard, account(told));
      assert.equal(shard.isUpToDate, isUpToDate);
    });
  }

  test('not before it has read what it had spent, where it was started again', () => {
    const shard = sent(restartShard(sent(first())));
    applyShardReport(shard, account({ execution: 2, spentBeforeNanoUsd: null }));
    assert.deepEqual([shard.isUpToDate, shard.spentBeforeNanoUsd], [false, 50]);
    applyShardReport(shard, account({ execution: 2, spentBeforeNanoUsd: 30 }));
    assert.deepEqual([shard.isUpToDate, shard.spentBeforeNanoUsd], [true, 30]);
  });
});

test('a shard that is started again counts as the last one heard of it, at worst, and is no better known', () => {
  const shard = Object.assign(first(), { spentBeforeNanoUsd: 7, isUncounted: true });
  const { number, execution, spentBeforeNanoUsd, isUncounted, slots } = restartShard(shard);
  assert.deepEqual([number, execution, spentBeforeNanoUsd, isUncounted, slots], [3, 2, 57, true, 0]);
});
