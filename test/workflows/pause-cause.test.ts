import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ActivityFailure,
  ApplicationFailure,
  RetryState,
  TimeoutFailure,
  TimeoutType,
} from '@temporalio/common';
import { causeOf } from '../../src/workflows/pause-cause.ts';

const failedBecause = (cause?: Error): ActivityFailure =>
  new ActivityFailure(
    'Activity task failed',
    'completePrompt',
    '1',
    RetryState.NON_RETRYABLE_FAILURE,
    'w',
    cause,
  );
const named = (type: string): ApplicationFailure =>
  ApplicationFailure.create({ type, message: 'what happened' });

const rows: [title: string, failure: ActivityFailure, reason: string, message: string][] = [
  ['a blocked account', failedBecause(named('Completion.AccountBlocked')), 'account', 'what happened'],
  ['an unavailable provider', failedBecause(named('Completion.Unavailable')), 'provider', 'what happened'],
  ['a store that cannot', failedBecause(named('Storage.Failed')), 'storage', 'what happened'],
  ['anything unforeseen', failedBecause(named('Batch.Unexpected')), 'failures', 'what happened'],
  [
    'an attempt that took too long',
    failedBecause(new TimeoutFailure('activity timed out', undefined, TimeoutType.START_TO_CLOSE)),
    'failures',
    'activity timed out',
  ],
  ['a failure that gives no cause', failedBecause(), 'failures', 'Activity task failed'],
];
for (const [title, failure, reason, message] of rows) {
  test(`${title} is called "${reason}"`, () => assert.deepEqual(causeOf(failure), { reason, message }));
}

test('what is no failure of an activity is a bug, and is thrown on', () => {
  const bug = new TypeError('x is undefined');
  assert.throws(() => causeOf(bug), bug);
});
