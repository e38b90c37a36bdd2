import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PromptItem, RequestSettings } from '../../src/contract.ts';
import { requestKey } from '../../src/store/request-key.ts';

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
const key = (itemChanges: Partial<PromptItem> = {}, changes: Partial<RequestSettings> = {}): string =>
  requestKey({ ...item, ...itemChanges }, { ...settings, ...changes });
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
    ['the prompt as a message', requestKey(asMessages('What is RLHF?'), settings)],
  ];
  for (const [title, other] of rows) test(title, () => assert.equal(other, key()));
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
      requestKey({ prompt_id: 'p', messages: [{ role: 'system', content: 'What is RLHF?' }] }, settings),
    ],
    [
      'a message more',
      requestKey(
        { ...asMessages('x'), messages: [...asMessages('').messages!, ...asMessages('x').messages!] },
        settings,
      ),
    ],
  ];
  for (const [title, other] of rows) test(title, () => assert.notEqual(other, key()));
  test('no two of them are the same', () =>
    assert.equal(new Set(rows.map(([, other]) => other)).size, rows.length));
});
