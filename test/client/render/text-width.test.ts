import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textWidth } from '../../../src/client/render/text-width.ts';

test('wide and combining characters are counted as terminals draw them', () => {
  assert.deepEqual(['abc', '日本', '👍', 'e\u0301', '█░·…', '\u200b'].map(textWidth), [3, 4, 2, 1, 4, 0]);
});
