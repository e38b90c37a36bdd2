import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isModestJson } from '../../src/core/modest-json.ts';

const LONG = 100_000;
const cases: [string, string, boolean][] = [
  ['a short text', '{"a":[1,"b"]}', true],
  ['a short text of two hundred and one levels', '['.repeat(201), false],
  ['a long string full of brackets and commas', `{"a":"${'[{,'.repeat(1e6)}"}`, true],
  ['a long string full of escaped quotes', `{"a":"${'\\"[,'.repeat(1e6)}"}`, true],
  ['a long string that ends with a backslash', `{"a":"${'\\\\'.repeat(LONG)}","b":[]}`, true],
  ['a long list of numbers', `[${'1,'.repeat(LONG)}1]`, true],
  ['two hundred levels', `${'['.repeat(200)}"${'x'.repeat(LONG)}"${']'.repeat(200)}`, true],
  ['two hundred and one levels', `${'['.repeat(201)}"${'x'.repeat(LONG)}"${']'.repeat(201)}`, false],
  ['a list of millions', `[${'1,'.repeat(2e6)}1]`, false],
  ['a list of a million empty objects', `[${'{},'.repeat(1e6)}{}]`, false],
  ['a string without an end', `{"a":"${'['.repeat(LONG)}`, true],
];

for (const [title, text, expected] of cases) {
  test(`${expected ? 'modest' : 'not modest'}: ${title}`, () => assert.equal(isModestJson(text), expected));
}
