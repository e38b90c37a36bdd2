import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { billOf, possiblyPaidOf, spentNanoUsd } from '../../../src/store/ledger/bill.ts';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import { addPaid, promptStateOf } from '../../../src/store/ledger/prompt-state.ts';
import { answer, fault, historyOf, settled, start, usage } from '../support/records.ts';

const billFor = (...records: Parameters<typeof historyOf>) => {
  const history = historyOf(...records);
  return billOf(history, promptStateOf(history, 2));
};

test('what is used is kept, what a sample has twice is discarded', () => {
  const bill = billFor(
    start('s1'),
    answer('a1', { start: 's1' }),
    start('s2', { attempt: 2 }),
    answer('a2', { start: 's2', attempt: 2, costNanoUsd: 11 }),
    settled('e', { attempt: 2, answers: ['a2'] }),
  );
  assert.deepEqual(
    [bill.kept, bill.discarded],
    [
      { usage, costNanoUsd: 11 },
      { usage, costNanoUsd: 7 },
    ],
  );
});

test('an answer of which one completion is used is kept whole', () => {
  const choices = [1, 2].map((sample) => ({
    sample,
    text: 'x',
    finishReason: sample === 1 ? 'stop' : 'content_filter',
  }));
  const bill = billFor(start('s1', { samples: [1, 2] }), answer('a1', { start: 's1', choices }));
  assert.deepEqual([bill.kept.costNanoUsd, bill.discarded.costNanoUsd], [7, 0]);
});

test('what came back without text is discarded', () => {
  const bill = billFor(
    start('s'),
    answer('a', { start: 's', choices: [{ sample: 1, text: ' ', finishReason: 'stop' }] }),
  );
  assert.deepEqual([bill.kept.costNanoUsd, bill.discarded.costNanoUsd], [0, 7]);
});

const endings = [
  ['an answer', [answer('x', { start: 's' })], false],
  ['an HTTP error status', [fault('x', { start: 's', status: 500 })], false],
  [
    'a reset or a timeout',
    [fault('x', { start: 's', status: null, possiblyPaid: true, message: 'reset' })],
    true,
  ],
  ['nothing', [], true],
] as const;
for (const [title, end, isPossiblyPaid] of endings) {
  test(`a request that ended with ${title} is ${isPossiblyPaid ? '' : 'not '}possibly paid`, () => {
    const requests = possiblyPaidOf(historyOf(start('s', { worstCostNanoUsd: 70, samples: [2] }), ...end));
    assert.deepEqual(
      requests.map(({ id, worstCostNanoUsd, samples }) => [id, worstCostNanoUsd, samples]),
      isPossiblyPaid ? [['s', 70, [2]]] : [],
    );
  });
}

test('a lost request says why: its fault in the words of its time, or that its worker is gone', () => {
  const reset = fault('f', { start: 's1', status: null, possiblyPaid: true, message: 'connection reset' });
  const [first, second] = possiblyPaidOf(historyOf(start('s1'), reset, start('s2', { attempt: 2 })));
  assert.equal(first!.why, 'connection reset');
  assert.match(second!.why, /no answer is on record/);
});

test('what an earlier batch paid for costs nothing here', () => {
  const reused = { batchId: 'earlier', answer: 'a0', usage, costNanoUsd: 50 };
  const taken = answer('r1', { start: '', run: 0, turn: 0, attempt: 0, usage: null, costNanoUsd: 0, reused });
  const bought = answer('a2', { choices: [{ sample: 2, text: 'x', finishReason: 'stop' }] });
  const bill = billFor(taken, bought);
  assert.equal(bill.reused, 1);
  assert.deepEqual([bill.kept, bill.discarded.costNanoUsd], [{ usage, costNanoUsd: 7 }, 0]);
});

test('an unknown price makes its own amount unknown; what was spent then is what it may have been', () => {
  const unknown = answer('a', { start: 's', costNanoUsd: null, cacheSavingNanoUsd: null });
  const bill = billFor(start('s'), unknown, start('s2', { attempt: 2, worstCostNanoUsd: null }));
  assert.deepEqual(
    [bill.kept.costNanoUsd, bill.discarded.costNanoUsd, bill.cacheSavingNanoUsd],
    [null, 0, null],
  );
  assert.equal(bill.possiblyPaid[0]!.worstCostNanoUsd, null);
  assert.equal(spentNanoUsd(historyOf(start('s', { worstCostNanoUsd: 70 }), unknown)), 70);
  assert.equal(spentNanoUsd(historyOf(start('s', { worstCostNanoUsd: null }), unknown)), null);
  assert.equal(spentNanoUsd(historyOf(start('s', { worstCostNanoUsd: null }))), null);
});

const requests = fc.array(
  fc.record({
    sample: fc.integer({ min: 1, max: 2 }),
    text: fc.constantFrom('', 'x'),
    finishReason: fc.constantFrom('stop', 'length', 'content_filter'),
    costNanoUsd: fc.integer({ min: 0, max: 1000 }),
    worstCostNanoUsd: fc.integer({ min: 1000, max: 5000 }),
    end: fc.constantFrom('answer', 'refused', 'reset', 'lost'),
  }),
  { maxLength: 8 },
);

test('every request is on the bill exactly once: kept, discarded, possibly paid or refused', () => {
  fc.assert(
    fc.property(requests, (all) => {
      const history = historyOf(
        ...all.flatMap(
          ({ sample, text, finishReason, costNanoUsd, worstCostNanoUsd, end }, at): LedgerRecord[] => {
            const sent = start(`s${at}`, { attempt: at + 1, worstCostNanoUsd, samples: [sample] });
            const of = { start: sent.id, attempt: at + 1 };
            if (end === 'answer')
              return [
                sent,
                answer(`a${at}`, { ...of, costNanoUsd, choices: [{ sample, text, finishReason }] }),
              ];
            if (end === 'lost') return [sent];
            return [sent, fault(`f${at}`, { ...of, possiblyPaid: end === 'reset' })];
          },
        ),
      );
      const promptState = promptStateOf(history, 2);
      const { kept, discarded, possiblyPaid } = billOf(history, promptState);
      const known = all
        .filter(({ end }) => end === 'answer')
        .reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0);
      const lost = all.filter(({ end }) => end === 'reset' || end === 'lost');
      assert.deepEqual(addPaid(kept, discarded), promptState.paid);
      assert.equal(promptState.paid.costNanoUsd, known);
      assert.equal(possiblyPaid.length, lost.length);
      assert.equal(
        spentNanoUsd(history),
        known + lost.reduce((sum, { worstCostNanoUsd }) => sum + worstCostNanoUsd, 0),
      );
    }),
  );
});
