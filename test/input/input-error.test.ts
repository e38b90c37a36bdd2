import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError } from '../../src/input/input-error.ts';
import { readPromptFile } from '../../src/input/read-prompt-file.ts';
import { failureOf, withFile } from './collect-prompts.ts';

const line = (number: number) => `p.json: item ${number}: "prompt" must be a non-empty string, got ""`;

for (const { bad, last } of [
  { bad: 20, last: line(20) },
  { bad: 21, last: '… and 1 more problem' },
  { bad: 143, last: '… and 123 more problems' },
]) {
  test(`of ${bad} problems the last line is: ${last}`, () =>
    withFile('p.json', JSON.stringify(Array(bad).fill('')), async (file) => {
      const error = await failureOf(readPromptFile(file, () => undefined));
      const lines = error.message.split('\n');
      assert.ok(error instanceof InputError);
      assert.equal(error.total, bad);
      assert.equal(error.problems.length, 20);
      assert.deepEqual(error.problems, lines.slice(0, 20));
      assert.equal(lines.at(-1)!.replace(file, 'p.json'), last);
    }));
}
