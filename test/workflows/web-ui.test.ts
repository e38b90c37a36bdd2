import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Progress } from '../../src/contract.ts';
import { detailsOf, memoOf, summaryText } from '../../src/workflows/web-ui.ts';
import { batchInput } from '../support/workflow-harness.ts';

const progress: Progress = {
  state: 'running',
  pause: null,
  counts: { total: 8, pending: 3, running: 2, succeeded: 2, failed: 1, notRun: 0 },
  paid: {
    usage: { prompt: 10, completion: 5, total: 15, cached: 0, reasoning: 0 },
    costNanoUsd: 1_234_500_000,
  },
  promptsPerSecond: 2.5,
  etaSeconds: 1.2,
  maxWorkers: 2,
  budget: null,
  lastFailures: [],
  failuresByType: {},
};
const batch = batchInput('sample', { prompts: 8 });

test('shows state, counts, tokens, cost, rate and time to go', () => {
  const details = detailsOf(batch, progress);
  assert.match(details, /^### running: 3 of 8 prompts, 37 %/);
  assert.match(details, /\| 2 \| 1 \| 2 of 2 \| 3 \| 15 \| \$1\.2345 \|/);
  assert.match(details, /2\.5 prompts\/s, about 2 s to go/);
});

test('a pause is shown with its reason and the command that lifts it', () => {
  const pause = { reason: 'account', message: 'no balance', since: '2026-01-01T00:00:00.000Z' } as const;
  const details = detailsOf(batch, { ...progress, state: 'paused', pause });
  assert.match(details, /\*\*Paused \(account\) since 2026-01-01T00:00:00\.000Z:\*\* `no balance`/);
  assert.match(details, /`durabatch resume sample`/);
});

test('a failure cannot break out of its quotes, nor grow the page past its limit', () => {
  const message = '`</script>\n# heading\n'.repeat(500);
  const lastFailures = Array.from({ length: 5 }, () => ({
    promptId: '`'.repeat(256),
    type: 'Completion.Rejected' as const,
    message,
  }));
  const details = detailsOf(batch, { ...progress, lastFailures });
  assert.ok(Buffer.byteLength(details) < 20_000);
  const quotes = details.split('\n').filter((line) => line.startsWith('- '));
  assert.equal(quotes.length, 5);
  for (const line of quotes) assert.equal(line.split('`').length, 5, line);
  assert.doesNotMatch(details, /^# heading/m);
});

test('simulated answers and unknown costs are called that', () => {
  const simulated = {
    ...batch,
    settings: { ...batch.settings, request: { ...batch.settings.request, provider: 'simulated' as const } },
  };
  const details = detailsOf(simulated, { ...progress, paid: { ...progress.paid, costNanoUsd: null } });
  assert.match(details, /### running \(simulated\)/);
  assert.match(details, /\| unknown \|/);
});

test('the memo holds what a reader needs when no worker lives', () => {
  const { state, pause, counts, paid } = progress;
  assert.deepEqual(memoOf(progress), { state, pause, counts, paid });
});

const bytesOf = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;
const failureOf = (promptId: string, message: string) =>
  ({ promptId, type: 'Completion.Rejected', message }) as const;

test('a long text is cut, never through a character', () => {
  const details = detailsOf(batch, { ...progress, lastFailures: [failureOf('😀'.repeat(500), 'é')] });
  assert.equal(details.split('\n').at(-1), `- \`${'😀'.repeat(200)}\`: Completion.Rejected: \`é\``);
});

test('the details stay below 20 KB and on their lines, whatever the messages hold', () => {
  const text = fc.string({ unit: 'binary', maxLength: 400 });
  const widest = '\u0001'.repeat(1000);
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { minLength: 5, maxLength: 5 }), text, (failures, message) => {
      const details = detailsOf(batch, {
        ...progress,
        pause: { reason: 'failures', message, since: '2026-01-01T00:00:00.000Z' },
        lastFailures: failures.map(([id, said]) => failureOf(id, said)),
      });
      assert.ok(bytesOf(details) < 20_000, `${bytesOf(details)} bytes`);
      assert.equal(details.split(/[\n\r\u2028\u2029]/).length, 19);
    }),
    { examples: [[Array.from({ length: 5 }, () => [widest, widest] as [string, string]), widest]] },
  );
});

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
