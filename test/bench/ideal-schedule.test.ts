import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idealMs } from '../../bench/ideal-schedule.ts';
import { fractionOf, latencyMsOf } from '../../bench/latency.ts';

const cases: { title: string; durations: number[]; slots: number; ideal: number }[] = [
  { title: 'nothing takes no time', durations: [], slots: 3, ideal: 0 },
  { title: 'with one slot the prompts come one after another', durations: [3, 1, 2], slots: 1, ideal: 6 },
  { title: 'with a slot each the longest decides', durations: [3, 1, 2], slots: 5, ideal: 3 },
  { title: 'a slot that is free takes the next of the file', durations: [5, 1, 1, 1, 4], slots: 2, ideal: 7 },
  { title: 'a straggler at the end is waited for', durations: [1, 1, 1, 1, 9], slots: 2, ideal: 11 },
];
for (const { title, durations, slots, ideal } of cases) {
  test(title, () => assert.equal(idealMs(durations, slots), ideal));
}

test('the ideal is that of a schedule worked out slot by slot', () => {
  const durations = Array.from({ length: 500 }, (_, index) => 1 + Math.floor(100 * fractionOf(index, 7)));
  const freeAt = Array.from({ length: 16 }, () => 0);
  for (const duration of durations) {
    freeAt[freeAt.indexOf(Math.min(...freeAt))]! += duration;
  }
  assert.equal(idealMs(durations, 16), Math.max(...freeAt));
});

test('latencies are log-normal around their median, with their share of stragglers', () => {
  const latency = {
    kind: 'log-normal',
    medianMs: 2000,
    sigma: 0.5,
    stragglers: 0.01,
    stragglerMs: 30_000,
  } as const;
  const all = Array.from({ length: 20_000 }, (_, index) => latencyMsOf(latency, index));
  const share = (so: (ms: number) => boolean): number => all.filter(so).length / all.length;
  const isNear = (found: number, wanted: number): void =>
    assert.ok(Math.abs(found - wanted) < 0.01, `expected about ${wanted}, got ${found}`);
  isNear(
    share((ms) => ms === 30_000),
    0.01,
  );
  isNear(
    share((ms) => ms < 2000),
    0.495,
  );
  // One sigma to either side.
  isNear(
    share((ms) => ms > 2000 * Math.exp(-0.5) && ms < 2000 * Math.exp(0.5)),
    0.99 * 0.6827,
  );
});
