import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { createPaint } from '../../../../src/client/render/paint.ts';
import { progressRows } from '../../../../src/client/render/progress/progress-bar.ts';
import { textWidth } from '../../../../src/client/render/text-width.ts';
import { sampleProgress } from '../sample-progress.ts';

const plain = createPaint(false);
const context = { batchId: 'demo-1', simulated: true };
const pause = { reason: 'account', message: `402 ${'日本語 '.repeat(40)}`, since: '' } as const;
const shapes = {
  running: sampleProgress(),
  paused: sampleProgress({ state: 'paused', pause }),
  failing: sampleProgress({
    lastFailures: [{ promptId: '\u001b[2Jp', type: 'Completion.Fault', message: 'x\ny'.repeat(90) }],
  }),
  retried: {
    ...sampleProgress({ autoWorkers: { slots: 23, ceiling: 500, reason: 'halved: 限流 429 '.repeat(20) } }),
    retries: {
      prompts: 20,
      reasons: [{ reason: '速度制限 \u001b[2J'.repeat(20), prompts: 20 }],
      lastTryAt: null,
    },
  },
  huge: sampleProgress({
    counts: { total: 9_999_999, pending: 0, running: 500, succeeded: 8_888_888, failed: 99_999, notRun: 7 },
    etaSeconds: null,
  }),
};
for (const [title, progress] of Object.entries(shapes)) {
  test(`no row of a ${title} batch is wider than the terminal, at any width`, () => {
    for (let columns = 1; columns <= 200; columns += 1) {
      for (const row of progressRows(progress, context, columns, createPaint(true))) {
        const shown = stripVTControlCharacters(row);
        assert.ok(textWidth(shown) <= columns, `${columns}: ${shown}`);
        assert.doesNotMatch(shown, /\n/);
      }
    }
  });
}

test('80 columns have room for everything', () => {
  assert.deepEqual(progressRows(sampleProgress(), { ...context, simulated: false }, 79, plain), [
    '███████████▒▒░░░░░░░░░░░░░░░░░░░░░░░ 31.2%  312/1000 · ETA 48s · 14.2 prompts/s',
    '310 succeeded · 2 failed · 50/50 in flight · 182,340 tokens',
    '$0.0412 of about $0.13',
  ]);
});

test('60 columns still have every figure, and none is broken in two', () => {
  assert.deepEqual(progressRows(sampleProgress(), context, 59, plain), [
    '[simulated] ██████▒░░░░░░░░░░░░░░ 31.2%  312/1000 · ETA 48s',
    '310 succeeded · 2 failed · 50/50 in flight · 182,340 tokens',
    '$0.0412 of about $0.13 · 14.2 prompts/s',
  ]);
});

test('a narrow terminal loses the bar first, then the least of the figures', () => {
  assert.deepEqual(progressRows(sampleProgress(), context, 39, plain), [
    '[simulated] 312/1000 · ETA 48s',
    '310 succeeded · 2 failed',
    '50/50 in flight · 182,340 tokens',
  ]);
});

test('prompts in retry, adaptive concurrency and the last failure each have a row', () => {
  const progress = {
    ...sampleProgress({
      autoWorkers: { slots: 23, ceiling: 500, reason: 'halved after a 429' },
      lastFailures: [{ promptId: 'p7', type: 'Completion.Rejected', message: 'HTTP 400: too long' }],
    }),
    retries: {
      prompts: 15,
      reasons: [
        { reason: 'rate limit (429)', prompts: 12 },
        { reason: 'server error (500)', prompts: 3 },
      ],
      lastTryAt: null,
    },
  };
  assert.deepEqual(progressRows(progress, context, 100, plain).slice(1), [
    '310 succeeded · 2 failed · 50/23 in flight · 182,340 tokens · $0.0412 of about $0.13',
    '15 in retry: 12 rate limit (429), 3 server error (500)',
    'auto: 23 of at most 500 at once: halved after a 429',
    'last failure: p7: HTTP 400: too long',
  ]);
});

test('one failure among thousands can be seen in the bar', () => {
  const red = progressRows(shapes.running, context, 79, { ...plain, red: (text) => `<${text}>` });
  assert.match(red[0] ?? '', /<█>/);
});
