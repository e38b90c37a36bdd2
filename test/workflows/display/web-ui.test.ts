import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { memoOf, summaryText } from '../../../src/workflows/display/web-ui.ts';
import { batchInput } from '../../support/workflow-harness.ts';
import { sampleProgress as progress } from '../sample-progress.ts';

const batch = batchInput('sample', { prompts: 8 });

test('the memo holds what a reader needs when no worker lives, and what to type then', () => {
  const { state, pause, counts, failuresByType, paid } = progress;
  const { next, ...facts } = memoOf(batch, progress, null);
  assert.deepEqual(facts, { state, pause, counts, failuresByType, paid });
  assert.match(next, /durabatch watch sample.* no worker is on it .*: durabatch resume sample\)$/);
});

test('the memo of a batch that has ended names its files', () => {
  const files = { resultsFile: '/a.json', csvFile: '/a.csv', failuresFile: null };
  const { paid, counts } = progress;
  const ended = { ...progress, state: 'succeeded' } as const;
  const outcome = { ...{ state: ended.state, counts, paid, durationSeconds: 1, warnings: [] }, ...files };
  const { results, next } = memoOf(batch, ended, outcome);
  assert.deepEqual(results, files);
  assert.equal(next, 'Done: every prompt has its completions.');
});

const bytesOf = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;
const summaries: { title: string; text: string; is: string }[] = [
  { title: 'a short id', text: 'prompt_0001', is: 'prompt_0001' },
  { title: 'nothing', text: '', is: '' },
  { title: 'one byte each', text: 'x'.repeat(256), is: 'x'.repeat(200) },
  { title: 'two bytes each', text: 'é'.repeat(256), is: 'é'.repeat(100) },
  { title: 'three bytes each', text: '日'.repeat(256), is: '日'.repeat(66) },
  { title: 'four bytes each', text: '😀'.repeat(128), is: '😀'.repeat(50) },
  { title: 'a character that just does not fit', text: `${'x'.repeat(198)}日y`, is: 'x'.repeat(198) },
  { title: 'what is escaped on the wire', text: '"\\'.repeat(128), is: '"\\'.repeat(50) },
  { title: 'several lines', text: 'a\nb\r\nc\td\u2028e\u0085f\0g', is: 'a b  c d e f g' },
  { title: 'half a character', text: 'a\ud83db', is: 'a b' },
];
for (const { title, text, is } of summaries) {
  test(`a summary of ${title}`, () => assert.equal(summaryText(text), is));
}

test('a summary never takes more than 200 bytes, as text or as JSON', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      const summary = summaryText(text);
      assert.ok(Buffer.byteLength(summary) <= 200 && bytesOf(summary) <= 200, summary);
    }),
  );
});
