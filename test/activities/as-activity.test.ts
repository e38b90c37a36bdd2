import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heartbeating } from '../../src/activities/as-activity.ts';
import { mockActivity } from './support/prompt-desk.ts';

test('a short attempt does not beat at all, a long one does, and result and error come through', async () => {
  const activity = mockActivity();
  let beats = 0;
  activity.on('heartbeat', () => beats++);
  assert.equal(await activity.run(() => heartbeating(async () => 'result')), 'result');
  assert.equal(beats, 0);
  const beaten = new Promise<string>((resolve) => activity.on('heartbeat', () => resolve('beaten')));
  assert.equal(await activity.run(() => heartbeating(() => beaten)), 'beaten');
  const failing = () => heartbeating(() => Promise.reject(new Error('as it is')));
  await assert.rejects(activity.run(failing), /^Error: as it is$/);
});
