import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { heartbeating } from '../../src/activities/heartbeating.ts';
import { mockActivity } from './support/prompt-desk.ts';

test('a short attempt does not beat at all, a long one does, and result and error come through', async () => {
  const activity = mockActivity();
  let beats = 0;
  activity.on('heartbeat', () => beats++);
  assert.equal(await activity.run(() => heartbeating(async () => 'result')), 'result');
  assert.equal(beats, 0);
  const beaten = async (): Promise<number> => {
    while (beats === 0) await sleep(50);
    return beats;
  };
  assert.equal(await activity.run(() => heartbeating(beaten)), 1);
  const failing = () => heartbeating(() => Promise.reject(new Error('as it is')));
  await assert.rejects(activity.run(failing), /^Error: as it is$/);
});
