import assert from 'node:assert/strict';
import test from 'node:test';
import { promptText } from '../../src/report/prompt-text.ts';

test('is the prompt itself', () => {
  assert.equal(promptText({ prompt_id: 'p', prompt: 'Why?' }), 'Why?');
});

test('is the last user message of a conversation', () => {
  const messages = [
    { role: 'user' as const, content: 'First' },
    { role: 'user' as const, content: 'Second' },
    { role: 'assistant' as const, content: 'So' },
  ];
  assert.equal(promptText({ prompt_id: 'p', messages }), 'Second');
});

test('is the last message where no user speaks', () => {
  const messages = [{ role: 'system' as const, content: 'Say something.' }];
  assert.equal(promptText({ prompt_id: 'p', messages }), 'Say something.');
});
