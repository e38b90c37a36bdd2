import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BatchOutcome } from '../../../src/core/outcome.ts';
import type { Pause } from '../../../src/core/progress.ts';
import type { Manifest } from '../../../src/store/manifest/manifest.ts';
import { withPause } from '../../../src/store/manifest/pause-notes.ts';
import { withOutcome, withoutRun, withRun } from '../../../src/store/manifest/run-notes.ts';
import { manifestOf } from '../../report/support/report-fixtures.ts';

const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
const pauseAt = (minute: number): Pause => ({ reason: 'operator', message: 'm', since: at(minute) });
const span = (since: number, until: number) => ({ since: at(since), until: at(until) });
const { limits } = manifestOf(1);
const begun = (minute: number) => ({ started_at: at(minute), limits });
const running = (): Manifest => withRun(manifestOf(1), begun(0), false);
const outcome = { state: 'succeeded', resultsFile: '/a.json' } as BatchOutcome;

const pausesOf = ({ runs }: Manifest) => runs.map(({ pauses }) => pauses);

test('a pause and its end are noted with the run', () => {
  const paused = withPause(running(), { run: 1, pause: pauseAt(1), ended: [] });
  assert.deepEqual([paused.pause, pausesOf(paused)], [pauseAt(1), [[{ since: at(1) }]]]);
  const resumed = withPause(paused, { run: 1, pause: null, ended: [span(1, 5)] });
  assert.deepEqual([resumed.pause, pausesOf(resumed)], [null, [[span(1, 5)]]]);
  const again = withPause(resumed, { run: 1, pause: pauseAt(6), ended: [] });
  assert.deepEqual([again.pause, pausesOf(again)], [pauseAt(6), [[span(1, 5), { since: at(6) }]]]);
});

test('a note that is made twice is made once', () => {
  const note = { run: 1, pause: pauseAt(1), ended: [] };
  const paused = withPause(running(), note);
  assert.deepEqual(withPause(paused, note), paused);
});

test('a pause whose beginning no disk took is told with its end', () => {
  const resumed = withPause(running(), { run: 1, pause: null, ended: [span(1, 5)] });
  assert.deepEqual([resumed.pause, pausesOf(resumed)], [null, [[span(1, 5)]]]);
});

test('a pause that was lifted is not put back by a process that was frozen before it noted it', () => {
  const paused = withPause(running(), { run: 1, pause: pauseAt(1), ended: [] });
  const resumed = withPause(paused, { run: 1, pause: null, ended: [span(1, 5)] });
  assert.deepEqual(withPause(resumed, { run: 1, pause: pauseAt(1), ended: [] }), resumed);
});

test('the end of an older pause does not lift a newer one', () => {
  const resumed = withPause(running(), { run: 1, pause: null, ended: [span(1, 5)] });
  const paused = withPause(resumed, { run: 1, pause: pauseAt(6), ended: [] });
  assert.deepEqual(withPause(paused, { run: 1, pause: null, ended: [span(1, 5)] }).pause, pauseAt(6));
});

test('what an earlier run notes late leaves the pause of the present one alone', () => {
  const next = withRun(withOutcome(running(), 1, at(9), outcome), begun(10), false);
  assert.equal(withPause(next, { run: 1, pause: pauseAt(1), ended: [] }).pause, null);
  const paused = withPause(next, { run: 2, pause: pauseAt(11), ended: [] });
  assert.deepEqual(withPause(paused, { run: 1, pause: null, ended: [span(1, 5)] }).pause, pauseAt(11));
});

test('a run that begins paused counts that pause, one that lifts it does not', () => {
  const paused = withPause(running(), { run: 1, pause: pauseAt(1), ended: [] });
  const goesOn = withRun(paused, begun(10), false);
  assert.deepEqual([goesOn.pause, goesOn.runs[1]?.pauses], [pauseAt(1), [{ since: at(1) }]]);
  const lifted = withRun(paused, begun(10), true);
  assert.deepEqual([lifted.pause, lifted.runs[1]?.pauses], [null, undefined]);
});

test('begun again on a newer manifest, a run gets the next number', () => {
  const other = withRun(running(), begun(1), false);
  assert.deepEqual(
    withRun(other, begun(2), false).runs.map(({ run }) => run),
    [1, 2, 3],
  );
});

test('the end that is noted first stays', () => {
  const ended = withOutcome(running(), 1, at(9), outcome);
  assert.equal(ended.runs[0]?.ended_at, at(9));
  const second = { ...outcome, resultsFile: '/b.json' };
  assert.equal(withOutcome(ended, 1, at(10), second), ended);
});

test('the end of an earlier run lifts no pause of the present one', () => {
  const next = withRun(running(), begun(10), false);
  const paused = withPause(next, { run: 2, pause: pauseAt(11), ended: [] });
  assert.deepEqual(withOutcome(paused, 1, at(12), outcome).pause, pauseAt(11));
  assert.equal(withOutcome(paused, 2, at(12), outcome).pause, null);
});

test('a run that never began is taken back, unless another one has begun since or it has an end', () => {
  const two = withRun(running(), begun(10), false);
  assert.deepEqual(
    withoutRun(two, two.runs[1]!).runs.map(({ run }) => run),
    [1],
  );
  const three = withRun(two, begun(11), false);
  assert.equal(withoutRun(three, two.runs[1]!), three);
  const ended = withOutcome(two, 2, at(12), outcome);
  assert.equal(withoutRun(ended, two.runs[1]!), ended);
});
