import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_LOST_WORKERS, promptEnd, receiptOf } from '../../src/activities/prompt-end.ts';
import type { LedgerRecord } from '../../src/store/ledger/records.ts';
import { promptStateOf } from '../../src/store/ledger/prompt-state.ts';
import { limits } from '../providers/settings.ts';
import { answer, fault, historyOf, settled, start } from '../store/support/records.ts';

const task = { run: 1, turn: 1, limits: { ...limits, maxAttempts: 2 } };
const endOf = (records: LedgerRecord[], completions = 2) => {
  const history = historyOf(...records);
  return promptEnd(promptStateOf(history, completions, { run: 1, turn: 1, at: 0 }), history, task);
};
const rejected = (id: string, more = {}) => fault(id, { failure: 'Completion.Rejected', ...more });
const ended = (sample: number, finishReason: string, text: string) => ({
  choices: [{ sample, finishReason, text }],
});
const failed = (type: string, message: string, attempts: number, answers: string[] = []) => ({
  status: 'failed',
  answers,
  error: { type, message, attempts },
});
const starts = (many: number) => Array.from({ length: many }, (_, i) => start(`s${i}`, { attempt: i + 1 }));

const cases: { title: string; records: LedgerRecord[]; completions?: number; end: unknown }[] = [
  { title: 'nothing yet', records: [], end: null },
  { title: 'one sample of two', records: [answer('a')], end: null },
  {
    title: 'all samples, each from its own answer',
    records: [answer('a'), answer('b', ended(2, 'length', 'x'))],
    end: { status: 'succeeded', answers: ['a', 'b'] },
  },
  {
    title: 'all samples from one answer, named once',
    records: [
      answer('a', {
        choices: [
          { sample: 1, text: 'x', finishReason: 'stop' },
          { sample: 2, text: 'y', finishReason: 'stop' },
        ],
      }),
    ],
    end: { status: 'succeeded', answers: ['a'] },
  },
  {
    title: 'all samples, in spite of all that went wrong before',
    records: [rejected('r'), fault('f1'), fault('f2'), answer('a')],
    completions: 1,
    end: { status: 'succeeded', answers: ['a'] },
  },
  {
    title: 'an empty answer, keeping the good one',
    records: [start('s1'), answer('a'), start('s2'), answer('b', ended(2, 'stop', ''))],
    end: failed('Completion.Empty', 'sample 2 came back without text', 2, ['a']),
  },
  {
    title: 'an empty answer at the token limit',
    records: [answer('a', ended(1, 'length', ''))],
    end: failed(
      'Completion.Empty',
      'sample 1 came back without text (all of max_tokens went into something else, such as reasoning)',
      0,
    ),
  },
  {
    title: 'a filtered answer',
    records: [answer('a', ended(1, 'content_filter', 'x'))],
    end: failed('Completion.Rejected', 'sample 1 ended with "content_filter"', 0),
  },
  {
    title: 'an unknown finish reason',
    records: [answer('a', ended(1, 'flux', 'x'))],
    end: failed('Completion.Rejected', 'sample 1 ended with "flux"', 0),
  },
  {
    title: 'a rejection',
    records: [start('s'), rejected('r')],
    end: failed('Completion.Rejected', 'message of r', 1),
  },
  { title: 'a rejection of another turn', records: [rejected('r', { turn: 0 })], end: null },
  { title: 'a rejection of another run', records: [rejected('r', { run: 0 })], end: null },
  { title: 'a fault short of the limit', records: [fault('f')], end: null },
  {
    title: 'as many faults as allowed, with the last one’s words',
    records: [fault('f1'), fault('f2', { attempt: 2 })],
    end: failed('Completion.Fault', 'message of f2', 0),
  },
  { title: 'faults of two turns', records: [fault('f1', { turn: 0 }), fault('f2')], end: null },
  {
    title: 'an unavailable provider, however often',
    records: Array.from({ length: 20 }, (_, i) => fault(`f${i}`, { failure: 'Completion.Unavailable' })),
    end: null,
  },
  {
    title: 'a blocked account',
    records: [fault('f1', { failure: 'Completion.AccountBlocked' })],
    end: null,
  },
  { title: 'four workers lost', records: starts(MAX_LOST_WORKERS - 1), end: null },
  {
    title: 'five workers lost',
    records: starts(MAX_LOST_WORKERS),
    end: failed(
      'Completion.WorkerLost',
      'the worker died 5 times in a row while it asked for this prompt',
      5,
    ),
  },
];
for (const { title, records, completions, end } of cases) {
  test(`the end of a prompt with ${title}`, () => {
    assert.deepEqual(endOf(records, completions), end);
  });
}

test('a receipt has the end’s status and answers, and the bill of everything', () => {
  const error = { type: 'Completion.Empty', message: 'm', attempts: 3 } as const;
  const records = [
    answer('a', { latencyMs: 5 }),
    answer('b', { attempt: 2, latencyMs: 50 }),
    settled('end', { status: 'failed', answers: ['a'], error }),
  ];
  const receipt = receiptOf(promptStateOf(historyOf(...records), 2), 20);
  assert.deepEqual(receipt, {
    status: 'failed',
    answers: ['a'],
    paid: { usage: { prompt: 20, completion: 10, total: 30, cached: 4, reasoning: 2 }, costNanoUsd: 14 },
    spentNanoUsd: 20,
    latencyMs: 5,
    error,
  });
});

test('a prompt that is not settled has no receipt', () => {
  assert.throws(() => receiptOf(promptStateOf(historyOf(), 1), 0), /not settled/);
});
