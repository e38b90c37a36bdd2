import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heartbeating } from '../../src/activities/heartbeating.ts';
import { mockActivity } from './support/prompt-desk.ts';

test('an attempt beats before its work begins, and its result and error come through', async () => {
  const activity = mockActivity();
  let beats = 0;
  activity.on('heartbeat', () => beats++);
  const result = await activity.run(() =>
    heartbeating(async () => {
      assert.equal(beats, 1);
      return 'result';
    }),
  );
  assert.equal(result, 'result');
  const failing = () => heartbeating(() => Promise.reject(new Error('as it is')));
  await assert.rejects(activity.run(failing), /^Error: as it is$/);
});
