import assert from 'node:assert/strict';
import test from 'node:test';
import { failureStep } from '../../src/report/failure-advice.ts';

test('an empty answer is explained by what causes it', () => {
  assert.match(failureStep('Completion.Empty'), /--max-tokens/);
});
