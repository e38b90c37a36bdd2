import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelledRows, tableLines, wrapped } from '../../../src/client/render/text-table.ts';

test('prose is wrapped between words, never within', () => {
  assert.deepEqual(wrapped('go on with durabatch-resume-now please', 12), [
    'go on with',
    'durabatch-resume-now',
    'please',
  ]);
});

test('values stand one under the other and places are not wrapped', () => {
  const rows = [
    { label: 'A', value: 'one two three', prose: true },
    { label: 'Long', value: 'C:\\My Folder\\results file.json' },
  ];
  assert.deepEqual(labelledRows(rows, 14), [
    'A     one two',
    '      three',
    'Long  C:\\My Folder\\results file.json',
  ]);
});

test('a table is aligned, also under wide characters', () => {
  const columns = [
    { title: 'N', align: 'right' },
    { title: 'NAME', align: 'left' },
    { title: 'X', align: 'left' },
  ] as const;
  assert.deepEqual(
    tableLines(columns, [
      ['10', '日本語', 'a'],
      ['1', 'b', 'c'],
    ]),
    [' N  NAME    X', '10  日本語  a', ' 1  b       c'],
  );
});

const hostile = 'a\u001b]52;c;eA==\u0007b\nState  succeeded\u202e\u200b';

test('no cell of a table or a row acts on the terminal, begins a line or changes the layout', () => {
  const columns = [
    { title: 'A', align: 'left' },
    { title: 'B', align: 'left' },
  ] as const;
  assert.deepEqual(tableLines(columns, [[hostile, 'x']]), [
    'A                    B',
    'ab State  succeeded  x',
  ]);
  assert.deepEqual(labelledRows([{ label: 'A', value: hostile }], 80), ['A  ab State  succeeded']);
  assert.deepEqual(
    labelledRows([{ label: 'A', value: [hostile, 'c'], painted: (line) => `<${line}>` }], 80),
    ['A  <ab State  succeeded>', '   <c>'],
  );
});
