import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationText, shortDuration } from '../../../src/client/render/duration-text.ts';

const durations = [
  [-5, '0ms'],
  [850.4, '850ms'],
  [999.6, '1.0s'],
  [4234, '4.2s'],
  [9949, '9.9s'],
  [9950, '10s'],
  [48_000, '48s'],
  [59_600, '1m'],
  [200_000, '3m 20s'],
  [7_500_000, '2h 5m'],
  [7_230_000, '2h'],
  [273_600_000, '3d 4h'],
] as const;
for (const [ms, text] of durations) {
  test(`a duration of ${ms} ms reads ${text}`, () => {
    assert.equal(durationText(ms), text);
  });
}

for (const [ms, text] of [
  [0, '0ms'],
  [100, '100ms'],
  [1500, '1500ms'],
  [120_000, '120s'],
  [600_000, '10m'],
  [3_600_000, '1h'],
] as const) {
  test(`a setting of ${ms} ms is typed ${text}`, () => {
    assert.equal(shortDuration(ms), text);
  });
}
