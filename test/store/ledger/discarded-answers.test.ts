import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discardedAnswers } from '../../../src/store/ledger/discarded-answers.ts';
import type { DiscardedAnswer } from '../../../src/store/ledger/outcome.ts';
import type { AnswerRecord, LedgerRecord } from '../../../src/store/ledger/records.ts';
import { promptStateOf } from '../../../src/store/ledger/prompt-state.ts';
import { answer, historyOf, settled, start, usage } from '../support/records.ts';

const at = (second: number): string => `2026-01-01T00:00:0${second}.000Z`;

/** What a ledger of these records says was discarded. */
async function discardedOf(completions: number, ...records: LedgerRecord[]): Promise<DiscardedAnswer[]> {
  const history = historyOf(...records);
  const answers = new Map(
    records.filter((record): record is AnswerRecord => record.type === 'answer').map((one) => [one.id, one]),
  );
  return discardedAnswers(history, promptStateOf(history, completions), async ({ id }) => answers.get(id)!);
}

const failed = (id: string, more: Partial<Extract<LedgerRecord, { type: 'settled' }>> = {}) =>
  settled(id, { status: 'failed', at: at(5), ...more });

const whyCases: [title: string, records: LedgerRecord[], why: string, discardedAt: string | null][] = [
  [
    'cut off',
    [answer('a', { choices: [{ sample: 1, text: 'half', finishReason: 'length' }] }), failed('e')],
    'it was cut off at its token limit',
    at(5),
  ],
  [
    'refused',
    [answer('a', { choices: [{ sample: 1, text: 'I', finishReason: 'content_filter' }] }), failed('e')],
    'it ended with "content_filter"',
    at(5),
  ],
  [
    'empty',
    [answer('a', { choices: [{ sample: 1, text: ' \n', finishReason: 'stop' }] }), failed('e')],
    'it has no text',
    at(5),
  ],
  [
    'bought twice',
    [
      answer('b', { at: at(1) }),
      answer('a', { attempt: 2, at: at(2) }),
      settled('e', { at: at(3), answers: ['b'] }),
    ],
    'another answer for the same sample is used',
    at(3),
  ],
  ['late', [failed('e'), answer('a', { at: at(7) })], 'it arrived after the end of its prompt', at(7)],
  [
    'empty in an open prompt',
    [answer('a', { choices: [{ sample: 1, text: '', finishReason: 'stop' }] })],
    'it has no text',
    null,
  ],
];
for (const [title, records, why, discardedAt] of whyCases) {
  test(`an answer that is ${title} keeps its text and says why it is not used`, async () => {
    const [found, ...others] = await discardedOf(1, ...records);
    const record = records.find(({ id }) => id === 'a') as AnswerRecord;
    assert.deepEqual(others, []);
    assert.deepEqual(found, {
      id: 'a',
      at: record.at,
      model: 'm',
      latencyMs: 20,
      requestId: null,
      choices: [{ ...record.choices[0], why }],
      usage,
      costNanoUsd: 7,
      attempt: 0,
      discardedAt,
    });
  });
}

test('of an answer of which one choice is used the other is kept too, its cost told once', async () => {
  const choices = [
    { sample: 1, text: 'fine', finishReason: 'stop' },
    { sample: 2, text: 'cut', reasoning: 'long', finishReason: 'content_filter' },
  ];
  const [found] = await discardedOf(
    2,
    start('s'),
    answer('a', { start: 's', choices }),
    failed('e', { answers: ['a'] }),
  );
  assert.deepEqual(
    [found!.choices, found!.usage, found!.costNanoUsd, found!.attempt],
    [[{ ...choices[1], why: 'it ended with "content_filter"' }], null, null, 1],
  );
});

test('what an earlier batch paid for is not told of here, and what is used is not discarded', async () => {
  const reused = { batchId: 'earlier', answer: 'x', usage, costNanoUsd: 9 };
  const found = await discardedOf(
    1,
    answer('r', {
      reused,
      usage: null,
      costNanoUsd: 0,
      choices: [{ sample: 1, text: '', finishReason: 'stop' }],
    }),
    answer('a', { attempt: 2 }),
    settled('e', { attempt: 2, answers: ['a'] }),
  );
  assert.deepEqual(found, []);
});
