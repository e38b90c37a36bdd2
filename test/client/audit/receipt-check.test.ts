import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkReceipts } from '../../../src/client/audit/receipt-check.ts';
import type { WorkflowReceipt } from '../../../src/client/audit/read-execution.ts';
import type { PromptReading } from '../../../src/store/ledger/batch-reading.ts';
import type { LedgerRecord } from '../../../src/store/ledger/records.ts';
import { promptStateOf } from '../../../src/store/ledger/prompt-state.ts';
import { answer, historyOf, settled, usage } from '../../store/support/records.ts';

const at = (second: number): string => `2026-01-01T00:00:0${second}.000Z`;
const error = { type: 'Completion.Rejected', message: 'no', attempts: 1 } as const;

const check = (records: LedgerRecord[], receipts: WorkflowReceipt[], completedRuns: number[] = [1]) => {
  const history = historyOf(...records);
  const reading = { item: { prompt_id: 'p', prompt: 'x' }, history, promptState: promptStateOf(history, 1) };
  return checkReceipts(reading as PromptReading, receipts, new Set(completedRuns));
};

const receipt = (changes: Partial<WorkflowReceipt> = {}): WorkflowReceipt => ({
  run: 1,
  status: 'succeeded',
  answers: ['a'],
  paid: { usage, costNanoUsd: 7 },
  spentNanoUsd: 7,
  latencyMs: 1,
  ...changes,
});
const kept = [answer('a', { at: at(1) }), settled('e', { at: at(2), answers: ['a'] })];

test('a receipt that names the answers of its end, at their cost, is no difference', () => {
  assert.deepEqual(check(kept, [receipt()]), { differences: [], late: [] });
});

const wrong: [string, WorkflowReceipt, RegExp, string][] = [
  [
    'names another answer',
    receipt({ answers: ['b'] }),
    /names the answer b, which is not in the ledger/,
    'b',
  ],
  ['names fewer answers', receipt({ answers: [] }), /\(succeeded, no answers\) is like no end/, 'e'],
  ['says another status', receipt({ status: 'failed' }), /\(failed, a\) is like no end/, 'e'],
  [
    'says another cost',
    receipt({ paid: { usage, costNanoUsd: 8 } }),
    /says 15 tokens for \$0\.000000008, .* 15 tokens for \$0\.000000007/,
    'a',
  ],
  [
    'says other tokens',
    receipt({ paid: { usage: { ...usage, total: 16 }, costNanoUsd: 7 } }),
    /says 16 tokens/,
    'a',
  ],
];
for (const [title, given, message, record] of wrong) {
  test(`a receipt that ${title} is a difference with its record`, () => {
    const { differences } = check(kept, [given]);
    assert.equal(differences.length, 1);
    assert.match(differences[0]!.message, message);
    assert.deepEqual(differences[0]!.records, [record]);
  });
}

test('an answer that came after the receipt explains itself and is named', () => {
  const late = answer('late', { at: at(3), start: 's2', costNanoUsd: 9 });
  assert.deepEqual(check([...kept, late], [receipt()]), { differences: [], late: ['late'] });
});

test('an answer of a cut-off worker that came between end and receipt is on the receipt', () => {
  const late = answer('late', {
    at: at(3),
    start: 's2',
    costNanoUsd: 9,
    usage: { ...usage, prompt: 20, total: 25 },
  });
  const paid = { usage: { prompt: 30, completion: 10, total: 40, cached: 4, reasoning: 2 }, costNanoUsd: 16 };
  assert.deepEqual(check([...kept, late], [receipt({ paid })]), { differences: [], late: [] });
});

test('each run of a prompt that was tried again has a receipt of its own time', () => {
  const failedOnce = [
    answer('a', { at: at(1), choices: [{ sample: 1, text: '', finishReason: 'stop' }] }),
    settled('e1', { at: at(2), status: 'failed', error }),
    answer('b', { run: 2, at: at(4) }),
    settled('e2', { run: 2, at: at(5), status: 'failed', error }),
  ];
  const second = {
    usage: { prompt: 20, completion: 10, total: 30, cached: 4, reasoning: 2 },
    costNanoUsd: 14,
  };
  const receipts = [
    receipt({ status: 'failed', answers: [] }),
    receipt({ run: 2, status: 'failed', answers: [], paid: second }),
  ];
  assert.deepEqual(check(failedOnce, receipts, [1, 2]), { differences: [], late: [] });
});

test('an end of a run that went through, without a receipt, is a difference', () => {
  assert.match(
    check(kept, []).differences[0]!.message,
    /has its end e in run 1, the workflow of that run has no receipt/,
  );
  assert.deepEqual(check(kept, [], []).differences, [], 'of a cancelled run it is not');
});
