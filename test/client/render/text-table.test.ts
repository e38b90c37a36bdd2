import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelledRows, tableText, wrapped } from '../../../src/client/render/text-table.ts';

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
  assert.equal(labelledRows(rows, 14), 'A     one two\n      three\nLong  C:\\My Folder\\results file.json');
});

test('a table is aligned, also under wide characters', () => {
  const columns = [
    { title: 'N', align: 'right' },
    { title: 'NAME', align: 'left' },
    { title: 'X', align: 'left' },
  ] as const;
  assert.equal(
    tableText(columns, [
      ['10', '日本語', 'a'],
      ['1', 'b', 'c'],
    ]),
    ' N  NAME    X\n10  日本語  a\n 1  b       c',
  );
});
