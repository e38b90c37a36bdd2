import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusJson, statusText } from '../../../src/client/render/status-text.ts';
import { sampleStatus as status } from './sample-status.ts';
import type { Pause } from '../../../src/core/progress.ts';

const pause: Pause = {
  reason: 'account',
  message: '402: Insufficient Balance',
  since: '2026-11-23T00:03:00.000Z',
};

test('the status of a crashed batch says where it knows that from and what to type', () => {
  assert.equal(
    statusText(status()),
    `Batch    demo-1 (Demo)
State    crashed (its worker disappeared)
Prompts  410 succeeded · 2 failed · 588 to do (of 1,000)
Failed   2 × Completion.Rejected
Tokens   182,340 (prompt 82,340; completion 100,000)
Cost     $0.0412 (estimated from list prices)
Started  2026-11-23T00:00:00.000Z
Output   out
Source   the ledger and Temporal; no worker is on the batch
Next     Every answer that came back is kept and is not bought again. To continue:
         durabatch resume demo-1`,
  );
});

test('the status asked of the workflow itself needs no source, and a pause has its time', () => {
  const text = statusText(status({ state: 'paused', pause, source: 'workflow' }));
  assert.doesNotMatch(text, /^Source/m);
  assert.match(text, /^Since +2026-11-23T00:03:00.000Z$/m);
});

test('a run that somebody ended in Temporal has not just lost its worker', () => {
  const text = statusText(status({ endedOutside: 'terminated by ann@lab: wrong file' }));
  assert.match(
    text,
    /^State +crashed \(its run was ended in Temporal: terminated by ann@lab: wrong file\)$/m,
  );
});

test('the status for programs names its source', () => {
  const json = statusJson(status());
  assert.equal(json['type'], 'status');
  assert.equal(json['source'], 'ledger-and-temporal');
  assert.deepEqual(json['failures_by_type'], { 'Completion.Rejected': 2 });
  assert.equal(json['estimated_cost'], 0.041234567);
  for (const key of Object.keys(json)) assert.match(key, /^[a-z_]+$/);
});

test('the status of a batch whose folder is elsewhere says where, and what is to be typed there', () => {
  const far = { folderHost: 'big-machine', source: 'temporal' } as const;
  const text = statusText(status(far));
  assert.match(text, /^Output +out on big-machine, not here$/m);
  assert.match(text, /^Source +Temporal, at the last change of state/m);
  assert.match(text, /To continue, on big-machine where its folder is:\n +durabatch resume demo-1$/);
  const reached = statusText(status({ ...far, state: 'paused', pause, source: 'workflow' }));
  assert.match(reached, /then type:\n +durabatch resume demo-1$/);
});

test('the status of a batch whose folder is gone says so, and proposes no command', () => {
  const gone = status({ folderHost: 'here', folderIsGone: true, source: 'temporal' });
  const text = statusText(gone);
  assert.match(text, /^Output +out, where the batch is not any more$/m);
  assert.match(text, /Its folder is gone from this machine\. Put it back to continue\.$/);
  const { folder_gone: isGone, next_step: next } = statusJson(gone);
  assert.deepEqual([isGone, (next as { command: null }).command], [true, null]);
});

test('a pause that somebody asked for names who', () => {
  const byHand: Pause = { ...pause, reason: 'operator', message: 'lunch', by: 'ann@laptop' };
  assert.match(
    statusText(status({ state: 'paused', pause: byHand })),
    /^State +paused by ann@laptop: lunch$/m,
  );
  assert.deepEqual(statusJson(status({ state: 'paused', pause: byHand }))['pause'], byHand);
});
