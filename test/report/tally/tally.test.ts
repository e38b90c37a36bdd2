import assert from 'node:assert/strict';
import test from 'node:test';
import { counted, emptyTally, totalItems, totalNanoUsd } from '../../../src/report/tally/tally.ts';
import type { PromptOutcome } from '../../../src/store/ledger/outcome.ts';
import {
  completionOf,
  failedOutcome,
  notRunOutcome,
  outcomeOf,
  usageOf,
} from '../support/report-fixtures.ts';

const tallyOf = (outcomes: PromptOutcome[]) =>
  outcomes.reduce((tally, outcome) => counted(tally, outcome, 'batch-model'), emptyTally);

test('counts by status and adds up what was paid, failed prompts included', () => {
  const tally = tallyOf([
    outcomeOf('a'),
    failedOutcome('b'),
    notRunOutcome('c'),
    outcomeOf('d', { status: 'pending', completions: [] }),
  ]);
  assert.deepEqual(
    [tally.succeeded, tally.failed, tally.notRun, tally.pending, totalItems(tally)],
    [1, 1, 1, 1, 4],
  );
  assert.deepEqual(tally.usage, usageOf(50, 25));
  assert.equal(totalNanoUsd(tally), 1_234_567n * 2n + 617_283n);
});

test('adds up the paid usage of the prompt, not that of the completions kept', () => {
  const paid = { usage: usageOf(70, 30, { cached: 7, reasoning: 9 }), costNanoUsd: 5 };
  assert.deepEqual(tallyOf([outcomeOf('a', { paid })]).usage, paid.usage);
});

test('one unknown cost makes the total unknown, and names each model once', () => {
  const paid = { usage: usageOf(1, 1), costNanoUsd: null };
  const tally = tallyOf([
    outcomeOf('a'),
    outcomeOf('b', { paid }),
    outcomeOf('c', { paid }),
    outcomeOf('d', { paid, item: { prompt_id: 'd', prompt: 'x', model: 'own-model' } }),
  ]);
  assert.equal(totalNanoUsd(tally), null);
  assert.equal(tally.knownNanoUsd, 1_234_567n);
  assert.deepEqual(tally.unpricedModels, ['batch-model', 'own-model']);
});

test('stays exact past the integers a double can hold', () => {
  const paid = { usage: usageOf(1, 1), costNanoUsd: Number.MAX_SAFE_INTEGER };
  const tally = tallyOf([1, 2, 3].map((at) => outcomeOf(`p${at}`, { paid })));
  assert.equal(totalNanoUsd(tally), 27_021_597_764_222_973n);
});

test('counts truncated completions', () => {
  const completions = [completionOf(1, 'a', { truncated: true }), completionOf(2, 'b')];
  const tally = tallyOf([outcomeOf('a', { completions })]);
  assert.deepEqual([tally.truncated, tally.completions], [1, 2]);
});
