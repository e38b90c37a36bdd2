import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isModestJson } from '../../../src/providers/transport/modest-json.ts';

const LONG = 100_000;
const cases: [string, string, boolean][] = [
  ['a short text, however it is nested', '['.repeat(1000), true],
  ['a long string full of brackets and commas', `{"a":"${'[{,'.repeat(1e6)}"}`, true],
  ['a long string full of escaped quotes', `{"a":"${'\\"[,'.repeat(1e6)}"}`, true],
  ['a long string that ends with a backslash', `{"a":"${'\\\\'.repeat(LONG)}","b":[]}`, true],
  ['a long list of numbers', `[${'1,'.repeat(LONG)}1]`, true],
  ['a hundred levels', `${'['.repeat(100)}"${'x'.repeat(LONG)}"${']'.repeat(100)}`, true],
  ['a hundred and one levels', `${'['.repeat(101)}"${'x'.repeat(LONG)}"${']'.repeat(101)}`, false],
  ['a list of millions', `[${'1,'.repeat(2e6)}1]`, false],
  ['a list of a million empty objects', `[${'{},'.repeat(1e6)}{}]`, false],
  ['a string without an end', `{"a":"${'['.repeat(LONG)}`, true],
];

for (const [title, text, expected] of cases) {
  test(`${expected ? 'modest' : 'not modest'}: ${title}`, () => assert.equal(isModestJson(text), expected));
}
