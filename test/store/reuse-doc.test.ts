/** Each row of the table in docs/reuse.md, tried. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { PromptItem } from '../../src/core/prompt.ts';
import type { RequestSettings } from '../../src/core/settings.ts';
import { requestKey } from '../../src/store/prompts/request-key.ts';

const settings: RequestSettings = {
  provider: 'deepseek',
  baseUrl: 'https://api.deepseek.com',
  model: 'deepseek-flash',
  temperature: 0.7,
  topP: 0.9,
  maxTokens: 256,
  completions: 2,
  thinking: false,
};
const item: PromptItem = { prompt_id: 'p1', prompt: 'Why?' };
const keyOf = (changes: Partial<PromptItem>, by: Partial<RequestSettings> = {}): string => {
  const { digest, maxTokens } = requestKey({ ...item, ...changes }, { ...settings, ...by });
  return `${digest.toString('hex')} ${maxTokens}`;
};
const message = (role: 'user' | 'system') => {
  const { prompt: _, ...rest } = item;
  const { digest, maxTokens } = requestKey({ ...rest, messages: [{ role, content: 'Why?' }] }, settings);
  return `${digest.toString('hex')} ${maxTokens}`;
};
const same = keyOf({});

/** By the row's first words: keys that differ from the one above, and keys that do not. */
const rows: Record<string, { others: string[]; sames: string[] }> = {
  'text of the prompt': { others: [keyOf({ prompt: 'Why? ' }), message('system')], sames: [message('user')] },
  provider: { others: [keyOf({}, { provider: 'simulated' }), keyOf({}, { provider: 'openai' })], sames: [] },
  'address of the API': { others: [keyOf({}, { baseUrl: 'http://127.0.0.1:8000/v1' })], sames: [] },
  model: {
    others: [keyOf({ model: 'deepseek-v4-pro' }), keyOf({}, { model: 'x' })],
    sames: [keyOf({ model: 'deepseek-v4-flash' }), keyOf({}, { model: 'deepseek-v4-flash-vision-exp' })],
  },
  temperature: { others: [keyOf({ temperature: 0 }), keyOf({}, { temperature: 1 })], sames: [] },
  top_p: { others: [keyOf({ top_p: 1 }), keyOf({}, { topP: 1 })], sames: [] },
  max_tokens: { others: [keyOf({ max_tokens: 9 }), keyOf({}, { maxTokens: 9 })], sames: [] },
  thinking: { others: [keyOf({}, { thinking: true })], sames: [] },
  extra_body: {
    others: [keyOf({ extra_body: { seed: 1 } }), keyOf({ extra_body: { stop: ['x'] } })],
    sames: [],
  },
  prompt_id: { others: [], sames: [keyOf({ prompt_id: 'other' })] },
  'fields of your own': { others: [], sames: [keyOf({ fields: { topic: 'x' } })] },
  completions: { others: [], sames: [keyOf({ completions: 9 }), keyOf({}, { completions: 9 })] },
  'whether a setting comes from': {
    others: [],
    sames: [keyOf({ temperature: 0.7 }, { temperature: 2 }), keyOf({ max_tokens: 256 }, { maxTokens: 1 })],
  },
  // Neither is given to the key: it has the prompt and the request's settings, and nothing else.
  'name, id and folder of the batch': { others: [], sames: [] },
  'workers, limits, patience, prices and key': { others: [], sames: [] },
};

const doc = readFileSync(new URL('../../docs/reuse.md', import.meta.url), 'utf8');
const table = doc
  .slice(doc.indexOf('| | in the key |'), doc.indexOf('## Rules'))
  .split('\n')
  .slice(2)
  .filter((line) => line.startsWith('|'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, what = '', isIn = '']) => ({ what, isIn: isIn.startsWith('yes') }));

for (const { what, isIn } of table) {
  test(`${what}: ${isIn ? 'in the key' : 'not in the key'}`, () => {
    const found = Object.entries(rows).find(([name]) => what.startsWith(name));
    assert.ok(found, 'the row is tried here');
    const [, { others, sames }] = found;
    assert.equal(others.length > 0, isIn);
    for (const other of others) assert.notEqual(other, same);
    for (const other of sames) assert.equal(other, same);
  });
}

test('every row that is tried stands in the table', () => {
  assert.equal(table.length, Object.keys(rows).length);
});
