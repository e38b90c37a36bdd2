import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { IdleSpan, ManifestRun, PauseSpan } from '../../../src/store/manifest/manifest.ts';
import { openRunOf, runTimesOf } from '../../../src/store/manifest/run-times.ts';
import { manifestOf } from '../../report/support/report-fixtures.ts';

const { limits } = manifestOf(1);
const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
const runOf = (
  run: number,
  from: number,
  to: number | null,
  pauses?: PauseSpan[],
  idle?: IdleSpan[],
): ManifestRun => ({
  ...{ run, limits, started_at: at(from) },
  ...(to !== null && { ended_at: at(to) }),
  ...(pauses && { pauses }),
  ...(idle && { idle }),
});
const timesOf = (runs: ManifestRun[], open: { run: number; at: string } | null = null, last = new Map()) =>
  runTimesOf({ runs }, last as Map<number, string>, open);

test('the duration is the sum over the runs, each to its end, its last record, or now', () => {
  const runs = [runOf(1, 0, 10), runOf(2, 3600, null), runOf(3, 7200, null), runOf(4, 9000, null)];
  const last = new Map([[2, at(3605)]]);
  assert.deepEqual(timesOf(runs, { run: 4, at: at(9001) }, last), {
    workSeconds: 16,
    pausedSeconds: 0,
    idleSeconds: 0,
  });
  assert.deepEqual(timesOf(runs, null, last), { workSeconds: 15, pausedSeconds: 0, idleSeconds: 0 });
});

const cases: { title: string; run: ManifestRun; work: number; paused: number; idle?: number }[] = [
  { title: 'no pause', run: runOf(1, 0, 100, []), work: 100, paused: 0 },
  {
    title: 'a pause in its middle',
    run: runOf(1, 0, 100, [{ since: at(10), until: at(40) }]),
    work: 70,
    paused: 30,
  },
  {
    title: 'two pauses, noted in any order',
    run: runOf(1, 0, 100, [
      { since: at(60), until: at(70) },
      { since: at(10), until: at(40) },
    ]),
    work: 60,
    paused: 40,
  },
  {
    title: 'pauses that overlap, whose common time counts once',
    run: runOf(1, 0, 100, [
      { since: at(10), until: at(40) },
      { since: at(20), until: at(50) },
      { since: at(25), until: at(30) },
    ]),
    work: 60,
    paused: 40,
  },
  { title: 'a pause that never ended', run: runOf(1, 0, 100, [{ since: at(30) }]), work: 30, paused: 70 },
  {
    title: 'a pause from before the run',
    run: runOf(1, 100, 200, [{ since: at(0), until: at(150) }]),
    work: 50,
    paused: 50,
  },
  {
    title: 'a pause that ended after the run',
    run: runOf(1, 0, 100, [{ since: at(90), until: at(500) }]),
    work: 90,
    paused: 10,
  },
  { title: 'a pause of all of it', run: runOf(1, 100, 200, [{ since: at(0) }]), work: 0, paused: 100 },
  {
    title: 'a pause by a clock that ran ahead',
    run: runOf(1, 0, 100, [{ since: at(500), until: at(600) }]),
    work: 100,
    paused: 0,
  },
  {
    title: 'an end before its beginning',
    run: runOf(1, 100, 0, [{ since: at(50), until: at(60) }]),
    work: 0,
    paused: 0,
  },
  {
    title: 'two times without a worker',
    run: runOf(1, 0, 100, undefined, [
      { since: at(50), until: at(70) },
      { since: at(0), until: at(10) },
    ]),
    ...{ work: 70, paused: 0, idle: 30 },
  },
  {
    title: 'a time without a worker in its pause',
    run: runOf(1, 0, 100, [{ since: at(10), until: at(60) }], [{ since: at(20), until: at(55) }]),
    ...{ work: 50, paused: 50, idle: 0 },
  },
  {
    title: 'a time without a worker that a pause shares in part',
    run: runOf(1, 0, 100, [{ since: at(40), until: at(80) }], [{ since: at(20), until: at(60) }]),
    ...{ work: 40, paused: 40, idle: 20 },
  },
  {
    title: 'a time without a worker that began before it and one noted after its end',
    run: runOf(1, 0, 100, undefined, [
      { since: at(-20), until: at(5) },
      { since: at(90), until: at(500) },
    ]),
    ...{ work: 85, paused: 0, idle: 15 },
  },
];
for (const { title, run, work, paused, idle = 0 } of cases) {
  test(`a run with ${title}: ${work} s at work, ${paused} s paused, ${idle} s idle`, () => {
    assert.deepEqual(timesOf([run]), { workSeconds: work, pausedSeconds: paused, idleSeconds: idle });
  });
}

test('work, pauses and time without a worker are the whole run, and none is below 0', () => {
  const second = fc.integer({ min: -50, max: 150 });
  const pause = fc
    .tuple(second, fc.option(second, { nil: null }))
    .map(([since, until]): PauseSpan => ({ since: at(since), ...(until !== null && { until: at(until) }) }));
  const idleSpan = fc
    .tuple(second, second)
    .map(([since, until]): IdleSpan => ({ since: at(since), until: at(until) }));
  fc.assert(
    fc.property(
      fc.array(pause, { maxLength: 6 }),
      fc.array(idleSpan, { maxLength: 6 }),
      (pauses, idleSpans) => {
        const times = timesOf([runOf(1, 0, 100, pauses, idleSpans)]);
        const { workSeconds, pausedSeconds, idleSeconds } = times;
        assert.equal(workSeconds + pausedSeconds + idleSeconds, 100);
        assert.ok(workSeconds >= 0 && pausedSeconds >= 0 && idleSeconds >= 0);
        assert.equal(pausedSeconds, timesOf([runOf(1, 0, 100, pauses)]).pausedSeconds);
      },
    ),
  );
});

test('a run that goes on lasts to now: running, cancelling, or in a pause that was noted', () => {
  const now = at(1000);
  const paused = { runs: [runOf(1, 0, null, [{ since: at(10) }])] };
  const resumed = { runs: [runOf(1, 0, null, [{ since: at(10), until: at(20) }])] };
  const open = { run: 1, at: now };
  assert.deepEqual(openRunOf(resumed, 'running', now), open);
  assert.deepEqual(openRunOf(resumed, 'cancelling', now), open);
  assert.deepEqual(openRunOf(paused, 'paused', now), open);
  assert.equal(openRunOf({ runs: [runOf(1, 0, null)] }, 'paused', now), null, 'as version 0.1.0 noted it');
  assert.equal(openRunOf(resumed, 'crashed', now), null);
  assert.equal(openRunOf({ runs: [] }, 'running', now), null);
});
