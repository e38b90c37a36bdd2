import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { PauseReason, Progress } from '../../src/core/progress.ts';
import { resumeUpdate } from '../../src/workflows/messages.ts';
import {
  createGate,
  failed,
  finalFailure,
  type RunningBatch,
  scriptActivities,
  startWorkflowHarness,
  succeeded,
  until,
  type WorkflowHarness,
} from '../support/workflow-harness.ts';

let harness: WorkflowHarness;
before(async () => (harness = await startWorkflowHarness()));
after(() => harness.stop());

const paused = ({ state, counts }: Progress): boolean => state === 'paused' && counts.running === 0;
const resume = ({ handle }: RunningBatch): Promise<Progress> =>
  handle.executeUpdate(resumeUpdate, { args: [null] });
const refusal = (because: RegExp) => (error: Error) =>
  error instanceof WorkflowUpdateFailedError && because.test(error.cause?.message ?? '');

const pausingFailures: { type: string; reason: PauseReason }[] = [
  { type: 'Completion.AccountBlocked', reason: 'account' },
  { type: 'Completion.Unavailable', reason: 'provider' },
  { type: 'Storage.Failed', reason: 'storage' },
  { type: 'Batch.Unexpected', reason: 'failures' },
];

for (const { type, reason } of pausingFailures) {
  test(`${type} fails no prompt: it is put back and the batch pauses (${reason}) until resumed`, async (t) => {
    let mended = false;
    const script = scriptActivities({
      prompts: 4,
      complete: ({ index }) => {
        if (index === 1 && !mended) throw finalFailure(type, 'what happened');
        return succeeded();
      },
    });
    const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });

    const halted = await batch.until(paused);
    const { memo } = await batch.handle.describe();
    mended = true;
    const resumed = await resume(batch);
    const outcome = await batch.result();

    assert.deepEqual([halted.pause?.reason, halted.pause?.message], [reason, 'what happened']);
    assert.deepEqual([halted.counts.succeeded, halted.counts.failed, halted.counts.pending], [1, 0, 3]);
    assert.deepEqual(
      [memo?.['state'], memo?.['pause'], memo?.['counts']],
      ['paused', halted.pause, halted.counts],
    );
    assert.deepEqual([resumed.state, resumed.pause], ['running', null]);
    assert.equal(outcome.state, 'succeeded');
    assert.deepEqual(
      script.tasks.map(({ index, turn }) => [index, turn]),
      [
        [0, 1],
        [1, 1],
        [1, 2],
        [2, 1],
        [3, 1],
      ],
      'the prompt that was put back comes first',
    );
    assert.deepEqual(
      script.notes.map((note) => note?.reason ?? null),
      [reason, null],
    );
    const [begun, ended] = script.pauseNotes;
    assert.deepEqual([begun?.run, begun?.ended], [1, []]);
    assert.deepEqual([ended?.run, ended?.ended.map(({ since }) => since)], [1, [halted.pause?.since]]);
    assert.ok(ended!.ended[0]!.until >= halted.pause!.since);
  });
}

test('prompts in progress finish after a pause, and nothing is started', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 6,
    complete: async ({ index, turn }) => {
      if (index === 0 && turn === 1) throw finalFailure('Completion.AccountBlocked', 'no balance');
      await gate.opened;
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 3 } });

  const stopping = await batch.until(({ state, counts }) => state === 'paused' && counts.running === 2);
  gate.open();
  const halted = await batch.until(paused);
  await resume(batch);
  await batch.result();

  assert.equal(stopping.counts.pending, 4);
  assert.deepEqual([halted.counts.succeeded, halted.counts.pending], [2, 4]);
});

test('of several reasons the first stays', async (t) => {
  const script = scriptActivities({
    prompts: 2,
    complete: async ({ index, turn }) => {
      if (turn > 1) return succeeded();
      if (index === 0) throw finalFailure('Completion.AccountBlocked', 'no balance');
      await until(() => script.notes.length > 0);
      throw finalFailure('Storage.Failed', 'disk full');
    },
  });
  const batch = await harness.run(t, script);

  const halted = await batch.until(paused);
  await resume(batch);
  await batch.result();

  assert.equal(halted.pause?.reason, 'account');
  assert.deepEqual(
    script.notes.map((note) => note?.reason ?? null),
    ['account', null],
  );
});

test('resume is refused with the reason when the batch is not paused', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 1,
    complete: async () => {
      await gate.opened;
      return succeeded();
    },
  });
  const batch = await harness.run(t, script);
  await batch.until(({ counts }) => counts.running === 1);

  await assert.rejects(resume(batch), refusal(/the batch is not paused/));
  gate.open();
  await batch.result();
});

test('a pause of an earlier run holds: nothing starts before resume, which may come before any worker', async (t) => {
  const script = scriptActivities({ prompts: 2 });
  const pause = { reason: 'account', message: 'no balance', since: '2026-01-01T00:00:00.000Z' } as const;
  const held = await harness.run(t, script, { pause });
  const halted = await held.until(({ counts }) => script.reads.length === 1 && counts.running === 0);
  assert.deepEqual([halted.state, halted.pause, script.tasks.length], ['paused', pause, 0]);
  await resume(held);
  assert.equal((await held.result()).state, 'succeeded');

  const early = await harness.run(t, scriptActivities({ prompts: 2 }), { pause, worker: false });
  const resumed = resume(early);
  await early.startWorker();
  assert.equal((await resumed).state, 'running');
  assert.equal((await early.result()).state, 'succeeded');
});

test('resume while the pause is still being noted: what is noted last is that there is none', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 3,
    complete: ({ index, turn }) => {
      if (index === 0 && turn === 1) throw finalFailure('Completion.AccountBlocked', 'no balance');
      return succeeded();
    },
    beforeNote: async (pause) => {
      if (pause) await gate.opened;
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });

  await batch.until(({ state }) => state === 'paused');
  const resumed = resume(batch);
  await batch.until(({ state }) => state === 'running');
  gate.open();
  await resumed;
  const outcome = await batch.result();

  assert.equal(outcome.state, 'succeeded');
  assert.deepEqual(
    script.notes.map((note) => note?.reason ?? null),
    ['account', null],
  );
});

test('the first ten prompts failing with one message pause the batch; resumed, it goes on to the end', async (t) => {
  const script = scriptActivities({ prompts: 12, complete: () => failed('no such model') });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });

  const halted = await batch.until(paused);
  await resume(batch);
  const outcome = await batch.result();

  assert.equal(halted.pause?.reason, 'failures');
  assert.match(halted.pause?.message ?? '', /first 10 prompts all failed with: no such model/);
  assert.equal(halted.counts.failed, 10);
  assert.deepEqual([outcome.state, outcome.counts.failed], ['partly_failed', 12]);
});

const unsuspicious = [
  { title: 'with different messages', complete: (index: number) => failed(index === 4 ? 'other' : 'same') },
  {
    title: 'after one that succeeded',
    complete: (index: number) => (index === 0 ? succeeded() : failed('same')),
  },
];
for (const { title, complete } of unsuspicious) {
  test(`ten failures ${title} pause nothing`, async (t) => {
    const script = scriptActivities({ prompts: 12, complete: ({ index }) => complete(index) });
    const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });

    assert.equal((await batch.result()).state, 'partly_failed');
    assert.deepEqual(script.notes, []);
  });
}

test('a shard that cannot be read pauses the batch, and is read again when resumed', async (t) => {
  let mended = false;
  const script = scriptActivities({
    prompts: 4,
    shards: 2,
    beforeRead: (shard) => {
      if (shard === 1 && !mended) throw finalFailure('Storage.Failed', 'prompts/00001.jsonl: no such file');
    },
  });
  const batch = await harness.run(t, script);

  const halted = await batch.until(({ state }) => state === 'paused');
  mended = true;
  await resume(batch);
  const outcome = await batch.result();

  assert.deepEqual(
    [halted.pause?.reason, halted.pause?.message],
    ['storage', 'prompts/00001.jsonl: no such file'],
  );
  assert.deepEqual(script.reads, [0, 1, 1]);
  assert.equal(outcome.counts.succeeded, 4);
});

test('a report that cannot be written pauses the batch, and is written when resumed', async (t) => {
  let mended = false;
  const script = scriptActivities({
    prompts: 2,
    beforeReport: () => {
      if (!mended) throw finalFailure('Storage.Failed', 'disk full');
    },
  });
  const batch = await harness.run(t, script);

  const halted = await batch.until(({ state }) => state === 'paused');
  mended = true;
  await resume(batch);
  const outcome = await batch.result();

  assert.deepEqual([halted.pause?.reason, halted.counts.succeeded], ['storage', 2]);
  assert.equal(outcome.state, 'succeeded');
  assert.equal(script.tasks.length, 2);
});

test('a pause that cannot be noted beside the batch holds all the same', async (t) => {
  const script = scriptActivities({
    prompts: 2,
    complete: ({ turn }) => {
      if (turn === 1) throw finalFailure('Storage.Failed', 'disk full');
      return succeeded();
    },
    beforeNote: () => {
      throw finalFailure('Storage.Failed', 'disk full');
    },
  });
  const batch = await harness.run(t, script);

  await batch.until(paused);
  assert.equal((await resume(batch)).state, 'running');
  assert.equal((await batch.result()).state, 'succeeded');
});
