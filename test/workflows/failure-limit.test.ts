import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RunLimits } from '../../src/core/settings.ts';
import { failuresText, isPastLimit, limitText } from '../../src/workflows/failure-limit.ts';

describe('whether more prompts have failed than allowed', () => {
  const rows: [
    title: string,
    limit: RunLimits['maxFailures'],
    failed: number,
    forgiven: number,
    total: number,
    past: boolean,
  ][] = [
    ['no limit', null, 1000, 0, 1000, false],
    ['as many as allowed', { count: 3 }, 3, 0, 10, false],
    ['one more than allowed', { count: 3 }, 4, 0, 10, true],
    ['none allowed, none failed', { count: 0 }, 0, 0, 10, false],
    ['none allowed, one failed', { count: 0 }, 1, 0, 10, true],
    ['those forgiven do not count', { count: 3 }, 7, 4, 10, false],
    ['as many again after they were forgiven, and one more', { count: 3 }, 8, 4, 10, true],
    ['a share that is reached', { share: 0.05 }, 5, 0, 100, false],
    ['a share that is passed', { share: 0.05 }, 6, 0, 100, true],
    ['a share of few prompts is not rounded up', { share: 0.05 }, 1, 0, 10, true],
    ['a share of all prompts, those forgiven left out', { share: 0.05 }, 11, 6, 100, false],
    ['29% of 100 is 29', { share: 0.29 }, 29, 0, 100, false],
    ['0% allows none', { share: 0 }, 1, 0, 1000, true],
    ['100% allows all', { share: 1 }, 1000, 0, 1000, false],
  ];
  for (const [title, limit, failed, forgiven, total, past] of rows) {
    test(title, () => assert.equal(isPastLimit(limit, failed, forgiven, total), past));
  }
});

test('the failures that count are told, and from when on', () => {
  assert.equal(failuresText(1, 0), '1 prompt failed');
  assert.equal(failuresText(3, 2), '3 prompts failed since the batch was resumed');
});

test('a limit reads as it was typed', () => {
  assert.deepEqual(
    [{ count: 20 }, { share: 0.05 }, { share: 0.07 }, { share: 0.025 }, { share: 1 }].map(limitText),
    ['20', '5%', '7%', '2.5%', '100%'],
  );
});
