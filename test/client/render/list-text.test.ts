import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listText } from '../../../src/client/render/list-text.ts';
import { sampleStatus as status } from './sample-status.ts';
import type { Pause } from '../../../src/contract.ts';

const pause: Pause = {
  reason: 'account',
  message: '402: Insufficient Balance',
  since: '2026-11-23T00:03:00.000Z',
};

test('the list never cuts an id', () => {
  const long = `a${'b'.repeat(63)}`;
  const rows = [status({ id: long }), status({ id: 'x', state: 'paused', pause, simulated: true })];
  assert.deepEqual(listText(rows, Date.parse('2026-11-23T03:20:00.000Z')).split('\n'), [
    'STATE                       DONE  FAILED       COST     AGE  BATCH',
    `crashed           412/1000 41.2%       2    $0.0412  3h 20m  ${long}`,
    'paused (account)  412/1000 41.2%       2  simulated  3h 20m  x',
  ]);
});

test('an empty list says how to begin', () => {
  assert.match(listText([], 0), /durabatch run <file>/);
});
