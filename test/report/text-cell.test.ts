import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { toTextCell } from '../../src/report/text-cell.ts';

const escaped = [
  '=HYPERLINK("http://127.0.0.1","x")',
  '+1',
  '-1+2',
  '@SUM(A1)',
  '\tx',
  '\rx',
  '  =1',
  '\n=1',
  '\u00A0=1',
  '\u0000=1',
  '\u200B=1',
  '\uFEFF=1',
  '\uFF1D1',
  '\uFF0B1',
  '\uFF0D1',
  '\uFF20A',
  '\uFE661',
];
for (const text of escaped)
  test(`escapes ${JSON.stringify(text)}`, () => {
    assert.equal(toTextCell(text), `'${text}`);
  });

const kept = ['', 'a=b', '1-2', "'=1", '\n\nAnswer', '  indented', '{"a": 1}', '\u{1F600}', '100 %'];
for (const text of kept)
  test(`keeps ${JSON.stringify(text)}`, () => {
    assert.equal(toTextCell(text), text);
  });

test('never changes more than a leading apostrophe, and leaves no formula sign in front', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const cell = toTextCell(text);
      assert.ok(cell === text || cell === `'${text}`);
      assert.doesNotMatch(cell.trimStart(), /^[=+\-@]/);
    }),
  );
});
