import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPaint } from '../../../src/client/render/paint.ts';
import { listText } from '../../../src/client/render/list-text.ts';
import { sampleStatus as status } from './sample-status.ts';
import type { Pause } from '../../../src/core/progress.ts';

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

test('a narrow terminal does without failures, then ages, then costs', () => {
  const now = Date.parse('2026-11-23T03:20:00.000Z');
  const headAt = (columns: number) => listText([status({ id: 'demo-1' })], now, { columns }).split('\n')[0];
  assert.deepEqual([60, 52, 41, 33, 10].map(headAt), [
    'STATE              DONE  FAILED     COST     AGE  BATCH',
    'STATE              DONE     COST     AGE  BATCH',
    'STATE              DONE     COST  BATCH',
    'STATE              DONE  BATCH',
    'STATE              DONE  BATCH',
  ]);
});

test('states have their colour, and a batch of another machine says where it is', () => {
  const red = (text: string): string => `<${text}>`;
  const lines = listText([status({ folderHost: 'lab-3' }), status({ id: 'x', state: 'running' })], 0, {
    paint: { ...createPaint(false), red },
  }).split('\n');
  assert.match(lines[1]!, /^<crashed> .* demo-1 {2}\(on lab-3\)$/);
  assert.match(lines[2]!, /^running .* x$/);
});

test('a batch whose folder is gone from this machine is on no machine', () => {
  const [, line] = listText([status({ folderHost: 'here', folderIsGone: true })], 0).split('\n');
  assert.match(line!, /^crashed .* demo-1 {2}\(folder gone\)$/);
});

test('an empty list of some states names them', () => {
  assert.equal(listText([], 0, {}, ['paused', 'crashed']), 'No batch is paused or crashed.');
});

test('an empty list says how to begin', () => {
  assert.match(listText([], 0), /durabatch run <file>/);
});
