import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTokenCounter } from '../../../src/client/estimate/token-counter.ts';

const countTokens = createTokenCounter();
const count = (content: string): number => countTokens([{ role: 'user', content }]);

test('a plain English sentence has a little more tokens than words', () => {
  const tokens = count('What is reinforcement learning from human feedback?');
  assert.ok(tokens >= 8 + 4 && tokens <= 16 + 4, `${tokens}`);
});

test('each message has its own marks', () => {
  const message = { role: 'user' as const, content: 'x' };
  assert.equal(countTokens([message, message]), 2 * countTokens([message]));
});

describe('whatever the text, there is a count, and never more tokens than bytes', () => {
  const rows: [title: string, text: string][] = [
    ['no text', ''],
    ['only spaces', ' '.repeat(5000)],
    ['only line breaks', '\n'.repeat(5000)],
    ['a word without end', 'a'.repeat(200_000)],
    ['a word without end, of emoji', '😀'.repeat(20_000)],
    ['base64 without a break', 'QUJD'.repeat(50_000)],
    ['Chinese', '强化学习'.repeat(5000)],
    ['a NUL and a lone surrogate', 'a\0b\ud800c'],
    ['the marks of a special token', '<|endoftext|><|endofprompt|>'],
  ];
  for (const [title, text] of rows) {
    test(title, () => {
      const tokens = count(text) - 4;
      assert.ok(tokens <= Buffer.byteLength(text), `${tokens} tokens`);
      assert.equal(tokens > 0, text !== '');
    });
  }
});
