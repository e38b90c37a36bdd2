import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Progress } from '../../../../src/core/progress.ts';
import type { ProgressViewOptions } from '../../../../src/client/render/progress/progress-view.ts';
import { createProgressView } from '../../../../src/client/render/progress/progress-view.ts';
import { sampleProgress } from '../sample-progress.ts';

const pause = { reason: 'account', message: '402: Insufficient Balance', since: '' } as const;
const at = (succeeded: number): Progress => {
  const { counts } = sampleProgress();
  return sampleProgress({ counts: { ...counts, succeeded } });
};

function viewOf(options: Partial<ProgressViewOptions>) {
  const clock = { ms: 0 };
  const stream = { written: '', columns: 80, write: (text: string) => (stream.written += text) };
  const view = createProgressView({
    batchId: 'demo-1',
    simulated: false,
    stream,
    isTTY: false,
    json: false,
    intervalMs: 5000,
    now: () => clock.ms,
    ...options,
  });
  const lines = (): string[] => stream.written.split('\n').slice(0, -1);
  return { view, stream, clock, lines };
}

test('the live view draws over itself and leaves the last state', () => {
  const { view, stream } = viewOf({ isTTY: true });
  view.update(at(310));
  view.update(at(500));
  view.end();
  view.end();
  const [first, second, ...others] = stream.written.split('\u001b[2A\r\u001b[J');
  assert.deepEqual(others, []);
  assert.match(first ?? '', /312\/1000.*\n310 succeeded/);
  assert.match(second ?? '', /502\/1000.*\n500 succeeded[^\n]*\n[^\n]*\n$/);
});

test('the live view clears what a terminal made narrower has wrapped', () => {
  const { view, stream } = viewOf({ isTTY: true });
  view.update(at(310));
  stream.columns = 40;
  view.update(at(500));
  assert.ok(stream.written.includes('\u001b[4A\r\u001b[J'));
});

test('a terminal that changes its size is drawn anew at once', () => {
  const listeners: (() => void)[] = [];
  let stopped = 0;
  const stream = {
    written: '',
    columns: 80,
    write: (text: string) => (stream.written += text),
    onResize: (listener: () => void) => {
      listeners.push(listener);
      return () => void stopped++;
    },
  };
  const { view } = viewOf({ isTTY: true, stream });
  view.update(at(310));
  view.update(at(311));
  assert.equal(listeners.length, 1);
  stream.columns = 30;
  stream.written = '';
  listeners[0]!();
  assert.ok(stream.written.startsWith('\u001b['), stream.written);
  assert.ok(stream.written.split('\n').every((row) => row.replace(/^.*J/, '').length < 30));
  view.end();
  assert.equal(stopped, 1);
});

test('a terminal of few lines gets no more rows than it has', () => {
  const stream = { written: '', columns: 40, rows: 3, write: (text: string) => (stream.written += text) };
  const { view } = viewOf({ isTTY: true, stream });
  view.update(at(310));
  assert.equal(stream.written.split('\n').length, 2);
});

test('a note stays above the live rows and cannot move the cursor', () => {
  const { view, stream } = viewOf({ isTTY: true });
  view.update(at(310));
  view.note('first\n\u001b[2Jsecond');
  const after = stream.written.split('\r\u001b[J')[1] ?? '';
  assert.match(after, /^first second\n█/);
});

test('colours appear only where they are asked for', () => {
  for (const color of [true, false]) {
    const { view, stream } = viewOf({ isTTY: true, color });
    view.update(at(310));
    assert.equal(stream.written.includes('\u001b[32m'), color);
  }
});

test('a pipe gets the first line, one per interval if something moved, and the last', () => {
  const { view, clock, lines } = viewOf({});
  view.update(at(1));
  clock.ms = 4999;
  view.update(at(2));
  clock.ms = 5000;
  view.update(at(3));
  clock.ms = 60_000;
  view.update({ ...at(3), promptsPerSecond: 1, etaSeconds: 600 });
  view.update(at(4));
  view.update(at(5));
  view.end();
  view.end();
  assert.deepEqual(
    lines().map((line) => line.split('/')[0]),
    ['3', '5', '6', '7'],
  );
});

test('a pipe hears of a new state at once', () => {
  const { view, lines } = viewOf({});
  view.update(at(1));
  view.update({ ...at(1), state: 'paused', pause });
  assert.equal(lines().length, 2);
});

test('nothing is written where nothing was reported', () => {
  const { view, stream } = viewOf({ isTTY: true });
  view.end();
  assert.equal(stream.written, '');
});

test('--json writes JSON Lines only, also on a terminal', () => {
  const { view, lines } = viewOf({ json: true, isTTY: true });
  view.update(at(310));
  view.note('hello');
  view.end();
  const [progress, note, ...others] = lines().map((line) => JSON.parse(line) as object);
  assert.deepEqual(others, []);
  assert.equal((progress as { done: number }).done, 312);
  assert.deepEqual(note, { type: 'note', batch_id: 'demo-1', message: 'hello' });
});
