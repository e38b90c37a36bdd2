import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from '@temporalio/common';
import {
  type AfterFault,
  afterFault,
  pausing,
  retryIn,
  toActivityFailure,
  withSpent,
} from '../../src/activities/failures.ts';
import type { FailureType } from '../../src/core/receipt.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { ForeignLedgerError } from '../../src/store/ledger/ledger-reader.ts';
import { LedgerWriteError } from '../../src/store/ledger/ledger-writer.ts';

const NOW = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const noTrouble = { ownFaults: 0, unavailableSince: null, unavailableInARow: 0 };
const limits = { maxAttempts: 6, patienceMs: HOUR };

interface Case {
  title: string;
  failure: FailureType;
  retryAfterMs?: number;
  before?: Partial<{ ownFaults: number; unavailableSince: number; unavailableInARow: number }>;
  limits?: Partial<typeof limits>;
  random?: number;
  then: AfterFault;
}

const retry = (delayMs: number): AfterFault => ({ then: 'retry', delayMs });
const decide: AfterFault = { then: 'decide' };
const pause = (message: string): AfterFault => ({ then: 'pause', message });

const cases: Case[] = [
  { title: 'an account pauses', failure: 'Completion.AccountBlocked', then: pause('said') },
  {
    title: 'an account pauses whatever it asks to wait',
    failure: 'Completion.AccountBlocked',
    retryAfterMs: 1,
    then: pause('said'),
  },
  {
    title: 'a rejection is the ledger’s to decide',
    failure: 'Completion.Rejected',
    retryAfterMs: 5,
    then: decide,
  },
  { title: 'so is an empty answer', failure: 'Completion.Empty', then: decide },

  { title: 'a first fault', failure: 'Completion.Fault', then: retry(1000) },
  { title: 'a first fault, shortened by chance', failure: 'Completion.Fault', random: 1, then: retry(500) },
  { title: 'half way', failure: 'Completion.Fault', random: 0.5, then: retry(750) },
  { title: 'a second fault', failure: 'Completion.Fault', before: { ownFaults: 1 }, then: retry(2000) },
  { title: 'a fifth fault', failure: 'Completion.Fault', before: { ownFaults: 4 }, then: retry(16_000) },
  { title: 'the last fault', failure: 'Completion.Fault', before: { ownFaults: 5 }, then: decide },
  {
    title: 'more faults than are allowed now',
    failure: 'Completion.Fault',
    before: { ownFaults: 9 },
    then: decide,
  },
  { title: 'a single attempt', failure: 'Completion.Fault', limits: { maxAttempts: 1 }, then: decide },
  {
    title: 'never longer than a minute',
    failure: 'Completion.Fault',
    before: { ownFaults: 6 },
    limits: { maxAttempts: 99 },
    then: retry(60_000),
  },
  {
    title: 'nor at the end of a long row',
    failure: 'Completion.Fault',
    before: { ownFaults: 5000 },
    limits: { maxAttempts: 9999 },
    random: 1,
    then: retry(30_000),
  },
  { title: 'a fault that says when', failure: 'Completion.Fault', retryAfterMs: 7000, then: retry(7000) },
  {
    title: 'a fault that says a far day',
    failure: 'Completion.Fault',
    retryAfterMs: 48 * HOUR,
    then: retry(HOUR),
  },
  {
    title: 'waiting for the provider uses up no attempt',
    failure: 'Completion.Fault',
    before: { unavailableSince: NOW - 1000, unavailableInARow: 50 },
    then: retry(1000),
  },

  { title: 'a first refusal', failure: 'Completion.Unavailable', then: retry(1000) },
  { title: 'a first refusal, by chance', failure: 'Completion.Unavailable', random: 1, then: retry(500) },
  {
    title: 'refusals back off too',
    failure: 'Completion.Unavailable',
    before: { unavailableSince: NOW - 10_000, unavailableInARow: 3 },
    then: retry(8000),
  },
  {
    title: 'up to a minute',
    failure: 'Completion.Unavailable',
    before: { unavailableSince: NOW - 1_000_000, unavailableInARow: 99 },
    then: retry(60_000),
  },
  {
    title: 'never counting the prompt’s own faults',
    failure: 'Completion.Unavailable',
    before: { ownFaults: 5 },
    then: retry(1000),
  },
  {
    title: 'Retry-After goes before the backoff',
    failure: 'Completion.Unavailable',
    retryAfterMs: 5000,
    random: 1,
    then: retry(5000),
  },
  {
    title: 'Retry-After: 0 is no hammering',
    failure: 'Completion.Unavailable',
    retryAfterMs: 0,
    then: retry(100),
  },
  {
    title: 'Retry-After as long as patience',
    failure: 'Completion.Unavailable',
    retryAfterMs: HOUR,
    then: retry(HOUR),
  },
  {
    title: 'Retry-After longer than patience',
    failure: 'Completion.Unavailable',
    retryAfterMs: HOUR + 1000,
    then: pause('said (waited 0 s, the next try would be in 3601 s, and --patience is 3600 s)'),
  },
  {
    title: 'the last try within patience',
    failure: 'Completion.Unavailable',
    before: { unavailableSince: NOW - HOUR + 60_000, unavailableInARow: 60 },
    then: retry(60_000),
  },
  {
    title: 'patience at its end',
    failure: 'Completion.Unavailable',
    before: { unavailableSince: NOW - HOUR + 59_000, unavailableInARow: 60 },
    then: pause('said (waited 3541 s, the next try would be in 60 s, and --patience is 3600 s)'),
  },
  {
    title: 'no patience at all',
    failure: 'Completion.Unavailable',
    limits: { patienceMs: 0 },
    then: pause('said (waited 0 s, the next try would be in 1 s, and --patience is 0 s)'),
  },
];

for (const { title, failure, retryAfterMs = null, before, random = 0, then, ...more } of cases) {
  test(`after ${failure}: ${title}`, () => {
    const fault = { failure, message: 'said', retryAfterMs };
    const next = afterFault(fault, { ...noTrouble, ...before }, { ...limits, ...more.limits }, NOW, random);
    assert.deepEqual(next, then);
  });
}

test('a retry and a pause are expected failures: benign, and of their type', () => {
  const again = retryIn(1234.5, 'Completion.Fault', 'said');
  assert.deepEqual(
    [again.type, again.message, again.nextRetryDelay, again.nonRetryable ?? false],
    ['Completion.Fault', 'said', 1235, false],
  );
  const end = pausing('Completion.AccountBlocked', 'said');
  assert.deepEqual([end.type, end.message, end.nonRetryable], ['Completion.AccountBlocked', 'said', true]);
  for (const failure of [again, end, withSpent(end, { spentNanoUsd: 1 })]) {
    assert.deepEqual([failure.category, failure.stack], [ApplicationFailureCategory.BENIGN, '']);
  }
  assert.equal(retryIn(0, 'T', '').nextRetryDelay, 1, 'no delay would mean the policy’s own');
});

const errno = Object.assign(new Error('EACCES: permission denied, open x'), {
  code: 'EACCES',
  syscall: 'open',
});
for (const [error, type] of [
  [new LedgerWriteError('x'), 'Storage.Failed'],
  [new ForeignLedgerError('x'), 'Storage.Failed'],
  [new StoreError('x'), 'Storage.Failed'],
  [errno, 'Storage.Failed'],
  [new TypeError('x'), 'Batch.Unexpected'],
  [new SyntaxError('x'), 'Batch.Unexpected'],
] as const) {
  test(`${error.name}${error === errno ? ' of the file system' : ''} becomes ${type}, for good`, () => {
    const failure = toActivityFailure(error);
    assert.ok(failure instanceof ApplicationFailure);
    assert.deepEqual([failure.type, failure.message, failure.nonRetryable], [type, error.message, true]);
    const isExpected = type === 'Storage.Failed';
    assert.equal(failure.cause, isExpected ? undefined : error);
    assert.equal(failure.stack === '', isExpected, 'only a bug has a stack to show');
  });
}

test('cancellation, named failures and what is no error go through as they are', () => {
  for (const error of [new CancelledFailure('CANCELLED'), retryIn(1, 'T', 'm'), 'thrown text', undefined]) {
    assert.equal(toActivityFailure(error), error);
  }
});
