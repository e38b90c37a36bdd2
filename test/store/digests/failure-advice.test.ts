import assert from 'node:assert/strict';
import test from 'node:test';
import { failureStep } from '../../../src/store/digests/failure-advice.ts';

test('an empty answer is explained by what causes it', () => {
  assert.match(failureStep('Completion.Empty', 'b'), /--max-tokens/);
});

test('a truncated answer is explained with a command that keeps it: the batch is named', () => {
  assert.match(
    failureStep('Completion.Truncated', 'b-1'),
    /without --reject-truncated, with --new --reuse b-1$/,
  );
  assert.match(failureStep('Completion.Truncated', '$(id)'), /--reuse <id>$/);
});
