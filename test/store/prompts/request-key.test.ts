import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PromptItem } from '../../../src/core/prompt.ts';
import type { RequestSettings } from '../../../src/core/settings.ts';
import { hasSeed, requestKey } from '../../../src/store/prompts/request-key.ts';
import { withoutDefaults } from '../../../src/store/prompts/later-settings.ts';
import { goldenRequests } from '../support/golden-requests.ts';

const settings: RequestSettings = {
  provider: 'openai-compatible',
  baseUrl: 'http://provider.test/v1',
  model: 'm',
  temperature: 0.7,
  topP: 0.9,
  maxTokens: 256,
  completions: 2,
  thinking: false,
};
const item: PromptItem = { prompt_id: 'p1', prompt: 'What is RLHF?' };
const keyOf = (asked: PromptItem, by: RequestSettings): string => {
  const { digest, maxTokens } = requestKey(asked, by);
  return `${digest.toString('hex')} ${maxTokens}`;
};
const key = (itemChanges: Partial<PromptItem> = {}, changes: Partial<RequestSettings> = {}): string =>
  keyOf({ ...item, ...itemChanges }, { ...settings, ...changes });
const asMessages = (content: string): PromptItem => ({
  prompt_id: 'p1',
  messages: [{ role: 'user', content }],
});

describe('the same request, whatever else differs', () => {
  const rows: [title: string, other: string][] = [
    ['another prompt id', key({ prompt_id: 'elsewhere' })],
    ['other fields of the user', key({ fields: { topic: 'x' } })],
    ['another number of completions', key({}, { completions: 4 })],
    ['its own number of completions', key({ completions: 7 })],
    ['settings of its own that are those of the batch', key({ model: 'm', temperature: 0.7, top_p: 0.9 })],
    ['settings of its own, in another batch', key({ max_tokens: 256 }, { maxTokens: 9 })],
    ['the prompt as a message', keyOf(asMessages('What is RLHF?'), settings)],
  ];
  for (const [title, other] of rows) test(title, () => assert.equal(other, key()));
  test('the keys of further parameters in another order', () => {
    const schemaOf = (...names: string[]) => ({
      properties: Object.fromEntries(names.map((name) => [name, {}])),
    });
    const ask = (...names: string[]) => key({ extra_body: { response_format: schemaOf(...names) } });
    assert.equal(ask('reason', 'answer'), ask('answer', 'reason'));
    assert.notEqual(ask('reason', 'answer'), ask('reason'));
  });
});

// A key that changes makes every answer that exists unknown: then the version of the key file (key-file.ts) and that of the
// input hash (input-hash.ts) must change too.
describe('keys stay what they are', () => {
  for (const { title, asked, by, golden } of goldenRequests)
    test(title, () => assert.equal(keyOf(asked, by), golden.key));
});

describe('another request', () => {
  const rows: [title: string, other: string][] = [
    ['another text', key({ prompt: 'What is RLHF? ' })],
    ['another model', key({}, { model: 'n' })],
    ['a model of its own', key({ model: 'o' })],
    ['another temperature', key({}, { temperature: 0.8 })],
    ['a temperature of its own, even 0', key({ temperature: 0 })],
    ['another top_p', key({ top_p: 0.8 })],
    ['another token limit', key({ max_tokens: 9 })],
    ['thinking', key({}, { thinking: true })],
    ['further parameters', key({ extra_body: { seed: 1 } })],
    ['other further parameters', key({ extra_body: { seed: 2 } })],
    ['another provider', key({}, { provider: 'deepseek' })],
    ['another address', key({}, { baseUrl: 'http://other.test/v1' })],
    [
      'another role',
      keyOf({ prompt_id: 'p', messages: [{ role: 'system', content: 'What is RLHF?' }] }, settings),
    ],
    [
      'a message more',
      keyOf(
        { ...asMessages('x'), messages: [...asMessages('').messages!, ...asMessages('x').messages!] },
        settings,
      ),
    ],
  ];
  for (const [title, other] of rows) test(title, () => assert.notEqual(other, key()));
  test('no two of them are the same', () =>
    assert.equal(new Set(rows.map(([, other]) => other)).size, rows.length));
});

describe('a seed', () => {
  for (const [body, found] of [
    [{ seed: 7 }, true],
    [{ seed: 0 }, true],
    [{ random_seed: 7 }, true],
    [{ options: { seed: 7 } }, true],
    [{ generation_config: { seed: 7 } }, true],
    [{ provider: { sampling: [{ top_k: 1 }, { random_seed: '7' }] } }, true],
    [{ seed: [7, 8] }, true],
    [{ seed: null }, false],
    [{ options: { seed: null } }, false],
    [{ stop: ['seed'] }, false],
    [{ response_format: { schema: { properties: { seed: { type: 'integer' } } } } }, false],
    [{}, false],
  ] as const)
    test(`is ${found ? '' : 'not '}named by ${JSON.stringify(body)}`, () =>
      assert.equal(hasSeed({ ...item, extra_body: body }), found));
  test('is not named without further parameters', () => assert.equal(hasSeed(item), false));
});

describe('names of one model', () => {
  const deepseek = (model: string): string =>
    key({}, { provider: 'deepseek', baseUrl: 'https://api.deepseek.com', model });
  for (const alias of ['deepseek-v4-flash', 'deepseek-v4-flash-vision-exp'])
    test(`${alias} is deepseek-flash`, () => assert.equal(deepseek(alias), deepseek('deepseek-flash')));
  test('also as the model of a prompt', () =>
    assert.equal(
      key({ model: 'deepseek-v4-flash' }, { provider: 'deepseek' }),
      key({ model: 'deepseek-flash' }, { provider: 'deepseek' }),
    ));
  test('deepseek-v4-pro is another', () =>
    assert.notEqual(deepseek('deepseek-v4-pro'), deepseek('deepseek-flash')));
  test('elsewhere they are what they are called', () =>
    assert.notEqual(key({}, { model: 'deepseek-v4-flash' }), key({}, { model: 'deepseek-flash' })));
});

describe('settings that come later', () => {
  const defaults = { lane: 'online', images: [] };
  test('are left out while unset or at their default', () =>
    assert.deepEqual(withoutDefaults({ lane: 'online', images: [], tools: undefined }, defaults), {}));
  test('count as soon as they are used', () => {
    const used = { lane: 'flex', images: ['x'], tools: null };
    assert.deepEqual(withoutDefaults(used, defaults), used);
  });
  test('change a key only then', () => {
    const later = (more: object): string => key({}, more);
    assert.equal(later({ somethingNew: undefined }), key());
    assert.notEqual(later({ somethingNew: true }), key());
  });
});
