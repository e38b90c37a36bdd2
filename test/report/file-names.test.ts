import assert from 'node:assert/strict';
import test from 'node:test';
import { reportStem } from '../../src/report/file-names.ts';

test('names a report by the second in UTC and its batch', () => {
  const timestamp = new Date('2026-01-02T03:04:05.999+02:00');
  assert.equal(reportStem(timestamp, 'demo-1', 1), 'batch_results_20260102_010405_demo-1');
});

test('numbers further reports of the same second from 2', () => {
  const timestamp = new Date('2026-12-31T23:59:59Z');
  assert.equal(reportStem(timestamp, 'demo-1', 2), 'batch_results_20261231_235959_demo-1_2');
  assert.equal(reportStem(timestamp, 'demo-1', 11), 'batch_results_20261231_235959_demo-1_11');
});

test('an id of a manifest from elsewhere is no path', () => {
  const timestamp = new Date('2026-01-02T01:04:05.000Z');
  assert.equal(reportStem(timestamp, '../up/\n x', 1), 'batch_results_20260102_010405_.._up_x');
  assert.equal(
    reportStem(timestamp, 'i'.repeat(1000), 1).length,
    'batch_results_20260102_010405_'.length + 64,
  );
});
