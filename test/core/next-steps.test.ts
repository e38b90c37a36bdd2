import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shellWord } from '../../src/core/command-line.ts';
import { type FailedPrompts, nextStep } from '../../src/core/next-steps.ts';
import type { Pause } from '../../src/core/progress.ts';

const pause: Pause = {
  reason: 'account',
  message: '402: Insufficient Balance',
  since: '2026-11-23T00:03:00.000Z',
};

const reasons = ['operator', 'account', 'budget', 'failures', 'provider', 'storage'] as const;
for (const reason of reasons) {
  test(`a pause for ${reason} has advice of its own and the command that goes on`, () => {
    const step = nextStep('paused', { ...pause, reason }, 'demo-1', 2_500_000_000);
    assert.equal(step.command, `durabatch resume demo-1${reason === 'budget' ? ' --max-cost 5' : ''}`);
    const others = reasons.filter((other) => other !== reason);
    for (const other of others) {
      assert.notEqual(nextStep('paused', { ...pause, reason: other }, 'demo-1').advice, step.advice);
    }
  });
}

test('after an overcharge nobody is asked to raise the cap', () => {
  const { advice, command } = nextStep(
    'paused',
    { ...pause, reason: 'budget', overcharged: true },
    'demo-1',
    2_500_000_000,
  );
  assert.match(advice, /bills more than the prices say/);
  assert.equal(command, 'durabatch resume demo-1');
});

test('the higher cap is exact, and never a number nobody asked for', () => {
  const budget = { ...pause, reason: 'budget' } as const;
  assert.match(nextStep('paused', budget, 'demo-1', 50_000).command!, / --max-cost 0\.0001$/);
  assert.match(nextStep('paused', budget, 'demo-1', 10_000_000_000).command!, / --max-cost 20$/);
  assert.match(nextStep('paused', budget, 'demo-1').command!, / --max-cost USD$/);
  const dear = { ...budget, neededNanoUsd: 1_576_000 };
  assert.match(nextStep('paused', dear, 'demo-1', 100_000).command!, / --max-cost 0\.003152$/);
});

const states = [
  ['running', 'durabatch watch demo-1'],
  ['cancelling', 'durabatch cancel demo-1 --now'],
  ['cancelled', 'durabatch resume demo-1'],
  ['crashed', 'durabatch resume demo-1'],
  ['stopped', 'durabatch resume demo-1'],
  ['waiting', 'durabatch resume demo-1'],
  ['succeeded', null],
  ['partly_failed', 'durabatch retry demo-1'],
] as const;
for (const [state, command] of states) {
  test(`a batch that is ${state} is followed by ${command ?? 'nothing to type'}`, () => {
    assert.equal(nextStep(state, null, 'demo-1').command, command);
  });
}

const failuresFile = '/out/batch_results_20260304_050607_failures.jsonl';
const failedCases: [FailedPrompts | null, string][] = [
  [{ failuresByType: { 'Completion.Rejected': 2 }, failuresFile }, `durabatch run ${failuresFile}`],
  [
    {
      failuresByType: { 'Completion.Rejected': 2 },
      failuresFile: '/my out/f.jsonl',
      runFlags: ['--model', 'm'].map((word) => shellWord(word, '')),
    },
    'durabatch run "/my out/f.jsonl" --model m',
  ],
  [
    { failuresByType: { 'Completion.Rejected': 2, 'Completion.Fault': 1 }, failuresFile },
    'durabatch retry demo-1',
  ],
  [{ failuresByType: { 'Completion.Unavailable': 1 }, failuresFile }, 'durabatch retry demo-1'],
  [{ failuresByType: { 'Completion.Rejected': 2 }, failuresFile: null }, 'durabatch retry demo-1'],
  [{ failuresByType: {}, failuresFile }, 'durabatch retry demo-1'],
  [{ failuresByType: undefined, failuresFile }, 'durabatch retry demo-1'],
  [null, 'durabatch retry demo-1'],
];
for (const [failed, command] of failedCases) {
  test(`failures ${JSON.stringify(failed)} are followed by ${command}`, () => {
    assert.equal(nextStep('partly_failed', null, 'demo-1', null, failed).command, command);
  });
}

test('a name that is no id of a batch stands in no command', () => {
  for (const id of ['$(touch x)', 'a b', '-rf', 'a;b', 'a\u202eb', '`x`', 'a\nb', ''])
    for (const state of [...states.map(([each]) => each), 'paused'] as const) {
      const { advice, command } = nextStep(state, state === 'paused' ? pause : null, id);
      assert.equal(command, null, `${state}: ${command}`);
      assert.ok(!advice.endsWith(':'), advice);
    }
});

test('a state or a reason of another version is followed by words, not by an error', () => {
  assert.equal(nextStep('odd' as never, null, 'demo-1').command, null);
  const { advice, command } = nextStep('paused', { ...pause, reason: 'odd' as never }, 'demo-1');
  assert.match(`${advice} ${command}`, /does not know why .* durabatch resume demo-1/);
});
