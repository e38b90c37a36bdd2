import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestLogOf } from '../../../src/store/ledger/request-log.ts';
import { answer, fault, historyOf, start, usage } from '../support/records.ts';

const at = (second: number): string => `2026-01-01T00:00:0${second}.000Z`;

test('every request over all runs, in the order they were sent, with how each ended', () => {
  const log = requestLogOf(
    historyOf(
      start('s3', { run: 2, at: at(5) }),
      start('s1', { at: at(1) }),
      fault('f1', {
        start: 's1',
        at: at(2),
        status: 429,
        failure: 'Completion.Unavailable',
        requestId: 'req-1',
        retryDelayMs: 2000,
      }),
      start('s2', { attempt: 2, at: at(4) }),
      answer('a3', {
        start: 's3',
        run: 2,
        at: at(6),
        choices: [{ sample: 1, text: '', finishReason: 'length' }],
      }),
    ),
  );
  assert.deepEqual(
    log.map(({ recordId, run, attempt, at: time, outcome, type, status, delayMs }) => [
      recordId,
      run,
      attempt,
      time,
      outcome,
      type,
      status,
      delayMs,
    ]),
    [
      ['f1', 1, 1, at(1), 'fault', 'Completion.Unavailable', 429, 2000],
      ['s2', 1, 2, at(4), 'lost', null, null, null],
      ['a3', 2, 1, at(5), 'answer', null, null, null],
    ],
  );
  assert.equal(log[0]!.requestId, 'req-1');
  assert.equal(log[2]!.message, 'sample 1 ended with "length", without text');
});

test('an end whose start was lost is told by itself', () => {
  const log = requestLogOf(historyOf(answer('a', { start: 'gone', at: at(3) })));
  assert.deepEqual(
    log.map(({ recordId, at: time, outcome }) => [recordId, time, outcome]),
    [['a', at(3), 'answer']],
  );
});

test('what an earlier batch asked for is no request of this one', () => {
  const reused = { batchId: 'earlier', answer: 'a0', usage, costNanoUsd: 50 };
  assert.deepEqual(requestLogOf(historyOf(answer('r', { start: '', reused }))), []);
});
