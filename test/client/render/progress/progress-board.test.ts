import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { createPaint } from '../../../../src/client/render/paint.ts';
import {
  type BoardEntry,
  boardRows,
  createProgressBoard,
} from '../../../../src/client/render/progress/progress-board.ts';
import { textWidth } from '../../../../src/client/render/text-width.ts';
import { sampleProgress } from '../sample-progress.ts';

const plain = createPaint(false);
const entry = (batchId: string, changes: Partial<BoardEntry> = {}): BoardEntry => ({
  ...{ batchId, simulated: false, progress: sampleProgress() },
  ...changes,
});
const entries = [
  entry('first'),
  entry('second', { simulated: true }),
  entry(`third-${'x'.repeat(58)}`, { progress: null }),
];

test('no row is wider and no board is higher than the terminal, at any size', () => {
  for (let columns = 1; columns <= 200; columns++) {
    for (let lines = 1; lines <= 14; lines++) {
      const rows = boardRows(entries, columns, lines, createPaint(true));
      assert.ok(rows.length <= lines, `${columns}×${lines}: ${rows.length} rows`);
      for (const row of rows) {
        const shown = stripVTControlCharacters(row);
        assert.ok(textWidth(shown) <= columns, `${columns}×${lines}: ${shown}`);
      }
    }
  }
});

test('where there is room each batch has its block, else its row, and the rest is counted', () => {
  const rows = (lines: number): string[] => boardRows(entries.slice(0, 2), 100, lines, plain);
  assert.deepEqual(
    rows(7).map((row) => row.split(/[ █]/)[0]),
    ['first', '', '310', '', 'second', '[simulated]', '310'],
  );
  assert.deepEqual(rows(6), [
    'first   ███████████████▒▒░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 31.2%  312/1000 · ETA 48s · 14.2 prompts/s',
    'second  [simulated] ███████████▒▒░░░░░░░░░░░░░░░░░░░░░░░░ 31.2%  312/1000 · ETA 48s · 14.2 prompts/s',
  ]);
  assert.deepEqual(rows(1), ['… and 2 more']);
});

test('the display of several is left when the last one has ended; in a pipe each line names its batch', () => {
  for (const isTTY of [true, false]) {
    const stream = { written: '', columns: 100, rows: 30, write: (text: string) => (stream.written += text) };
    const [first, second] = createProgressBoard(
      ['a', 'b'].map((batchId) => ({ batchId, simulated: false })),
      { stream, isTTY, json: false },
    );
    first!.update(sampleProgress());
    second!.update(sampleProgress());
    second!.note('hello');
    first!.end();
    const before = stream.written;
    second!.end();
    second!.end();
    if (isTTY) assert.equal(stream.written, `${before}\n`);
    else assert.match(stream.written, /^a: 312\/1000 done [^\n]*\nb: 312\/1000 done [^\n]*\nb: hello\n$/);
  }
});
