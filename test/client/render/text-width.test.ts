import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesTaken, textWidth } from '../../../src/client/render/text-width.ts';

test('wide and combining characters are counted as terminals draw them', () => {
  assert.deepEqual(['abc', '日本', '👍', 'e\u0301', '█░·…', '\u200b'].map(textWidth), [3, 4, 2, 1, 4, 0]);
});

const wrappings = [
  ['', 10, 1],
  ['abcdefghij', 10, 1],
  ['abcdefghijk', 10, 2],
  ['日本日本', 4, 2],
  ['日本日本', 3, 4],
  ['a日本日', 3, 3],
  ['日', 1, 1],
] as const;
for (const [text, columns, lines] of wrappings) {
  test(`"${text}" takes ${lines} lines of ${columns} columns`, () => {
    assert.equal(linesTaken(text, columns), lines);
  });
}
