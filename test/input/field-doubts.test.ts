import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectPrompts } from './collect-prompts.ts';

const notesOf = async (items: unknown): Promise<string[]> =>
  (await collectPrompts('prompts.json', JSON.stringify(items))).source.notes ?? [];

test('a field that looks like a misspelt one is named once, with the first item that has it', async () => {
  const items = [
    { prompt: 'a', temprature: 0.2 },
    'b',
    { prompt: 'c', maxTokens: 5 },
    { prompt: 'd', Model: 'm', maxTokens: 7 },
  ];
  assert.deepEqual(await notesOf(items), [
    'Item 1 has the field "temprature", which is kept and not sent. Did you mean "temperature"?',
    '2 items, from item 3 on, have the field "maxTokens", which is kept and not sent. Did you mean "max_tokens"?',
    'Item 4 has the field "Model", which is kept and not sent. Did you mean "model"?',
  ]);
  const { items: kept } = await collectPrompts('prompts.json', JSON.stringify(items));
  assert.deepEqual(kept[0]!.fields, { temprature: 0.2 });
});

test('a parameter of the request has its place named', async () => {
  assert.deepEqual(await notesOf([{ prompt: 'a', seed: 7 }]), [
    'Item 1 has the field "seed", which is kept and not sent. To send it, put it into "extra_body".',
  ]);
});

test('fields of the user’s own are nobody’s business, nor are values that the other field could not have', async () => {
  const own = { topic: 'a', category: 'b', id: 1, source: 'c', completion: 'A reference.', message: 'Hello' };
  const named = { toString: 1, ['__proto__x']: 1, constructor: 2, fields: { seed: 1, temprature: 1 } };
  assert.deepEqual(await notesOf([{ prompt: 'a', ...own, ...named }]), []);
});

test('parameters in an OpenAI batch request are sent, and not doubted', async () => {
  const request = { custom_id: 'a', body: { messages: [{ role: 'user', content: 'Hi' }], seed: 1 } };
  assert.deepEqual((await collectPrompts('p.jsonl', JSON.stringify(request))).source.notes, undefined);
});

test('of names that are data no more are remembered than a thousand, and all are looked at', async () => {
  const words = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`word${n}`, n]));
  assert.equal((await notesOf([{ prompt: 'a', ...words, temprature: 1 }])).length, 1);
});
