import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { toTextCell } from '../../src/report/text-cell.ts';
import { withoutGuard } from './support/without-guard.ts';

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

const guardedInside: [text: string, cell: string][] = [
  ['a;=1+1', "a;'=1+1"],
  ['a\t@SUM(A1)', "a\t'@SUM(A1)"],
  ['a; -1', "a;' -1"],
  ['a;\u200B\uFF1D1', "a;'\u200B\uFF1D1"],
  ['a;"=1"', 'a;\'"=1"'],
  ['a;;=1', "a;;'=1"],
  ['a\t\t=1', "a\t\t'=1"],
  ['a;\t=1', "a;'\t'=1"],
  ["a;'=1", "a;''=1"],
  ['a;=1;+2', "a;'=1;'+2"],
  [';=1', ";'=1"],
  ['a;\n=1', "a;'\n=1"],
  ["'=1", "''=1"],
  ["'\tx", "''\tx"],
];
for (const [text, cell] of guardedInside)
  test(`writes ${JSON.stringify(text)} as ${JSON.stringify(cell)}`, () => {
    assert.equal(toTextCell(text), cell);
  });

const kept = [
  ...['a; b', 'a;b=c', 'a\tb', 'a;', 'x\n- one\n- two', 'Result\n=1+1', "it's; so", 'f(a); // -1'],
  ...['', 'a=b', '1-2', '\n\nAnswer', '  indented', '{"a": 1}', '\u{1F600}', '100 %'],
];
for (const text of kept)
  test(`keeps ${JSON.stringify(text)}`, () => {
    assert.equal(toTextCell(text), text);
  });

test('leaves no formula sign in front, and the text comes back without the apostrophes', () => {
  const part = fc.constantFrom(...[';', '\t', '=', '-', '\uFF0B', "'", '"', ' ', '\n', '\r', '\u200B', 'x']);
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(part).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (original) => {
      const cell = toTextCell(original);
      assert.equal(withoutGuard(cell), original);
      assert.doesNotMatch(cell.trimStart(), /^[=+\-@]/);
      for (const separator of [';', '\t'])
        for (const piece of cell.split(separator).slice(1))
          assert.doesNotMatch(piece.trimStart(), /^[=+\-@]/);
    }),
    { numRuns: 2000 },
  );
});

test('takes time in proportion to the text', () => {
  const long = '\t;'.repeat(500_000);
  assert.equal(toTextCell(`x${long}`), `x${long}`);
});
