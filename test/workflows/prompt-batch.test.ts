import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  createGate,
  failed,
  PAID,
  scriptActivities,
  startWorkflowHarness,
  succeeded,
  until,
  type WorkflowHarness,
} from '../support/workflow-harness.ts';

let harness: WorkflowHarness;
before(async () => (harness = await startWorkflowHarness()));
after(() => harness.stop());

test('runs every prompt once and ends as succeeded, with the report as its result', async (t) => {
  const script = scriptActivities({ prompts: 5, shards: 2 });
  const batch = await harness.run(t, script);

  const outcome = await batch.result();

  assert.equal(outcome.state, 'succeeded');
  assert.equal(outcome.counts.succeeded, 5);
  assert.deepEqual(
    script.tasks
      .toSorted((one, other) => one.index - other.index)
      .map(({ shard, index, promptId, turn }) => [shard, index, promptId, turn]),
    [
      [0, 0, 'prompt_0001', 1],
      [0, 1, 'prompt_0002', 1],
      [0, 2, 'prompt_0003', 1],
      [1, 3, 'prompt_0004', 1],
      [1, 4, 'prompt_0005', 1],
    ],
  );
  assert.deepEqual([script.reports.length, script.reports[0]?.state], [1, 'succeeded']);
  assert.deepEqual(script.notes, []);
});

test('a failed prompt stops nobody: the batch ends as partly failed', async (t) => {
  const script = scriptActivities({
    prompts: 4,
    complete: ({ index }) => (index === 1 ? failed('no such parameter') : succeeded()),
  });
  const batch = await harness.run(t, script);

  const outcome = await batch.result();
  const progress = await batch.progress();

  assert.equal(outcome.state, 'partly_failed');
  assert.deepEqual([outcome.counts.succeeded, outcome.counts.failed], [3, 1]);
  assert.deepEqual(progress.lastFailures, [
    { promptId: 'prompt_0002', type: 'Completion.Rejected', message: 'no such parameter' },
  ]);
});

test('keeps max_workers prompts in progress, never more', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 9,
    complete: async () => {
      await gate.opened;
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 3 } });

  await until(() => script.tasks.length === 3);
  const { counts, maxWorkers } = await batch.progress();
  gate.open();
  await batch.result();

  assert.deepEqual([counts.running, counts.pending, maxWorkers], [3, 6, 3]);
  assert.equal(script.tasks.length, 9);
  assert.equal(script.peak, 3);
});

test('progress tells counts, tokens and cost while it runs, and the last word after the end', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 4,
    settledBefore: 1,
    complete: async ({ index }) => {
      if (index > 2) await gate.opened;
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { run: 2 });

  const midway = await batch.until(({ counts }) => counts.succeeded === 3);
  gate.open();
  const outcome = await batch.result();
  const last = await batch.progress();

  assert.equal(midway.state, 'running');
  assert.deepEqual(midway.counts, { total: 4, pending: 0, running: 1, succeeded: 3, failed: 0, notRun: 0 });
  assert.equal(midway.paid.usage.total, 3 * PAID.usage.total);
  assert.equal(midway.paid.costNanoUsd, 3 * 1000);
  assert.equal(last.state, 'succeeded');
  assert.deepEqual([last.counts, last.paid], [outcome.counts, outcome.paid]);
  assert.deepEqual([last.counts.running, last.etaSeconds, last.pause], [0, null, null]);
  assert.equal(script.tasks.length, 3, 'what an earlier run settled is not run again');
});

test('the Web UI and a reader without a worker are told how it ended', async (t) => {
  const script = scriptActivities({ prompts: 2 });
  const batch = await harness.run(t, script);
  await batch.result();

  const { memo } = await batch.handle.describe();
  const details = await batch.handle.query<string>('__temporal_workflow_metadata');

  assert.equal(memo?.['state'], 'succeeded');
  assert.deepEqual(memo?.['counts'], {
    total: 2,
    pending: 0,
    running: 0,
    succeeded: 2,
    failed: 0,
    notRun: 0,
  });
  assert.match(JSON.stringify(details), /### Succeeded: 2 of 2 prompts, 100 %/);
});

test('a prompt is named in the timeline by its id', async (t) => {
  const script = scriptActivities({ prompts: 1 });
  const batch = await harness.run(t, script);
  await batch.result();

  const { events } = await batch.handle.fetchHistory();
  const summaries = (events ?? []).map(({ userMetadata }) =>
    Buffer.from(userMetadata?.summary?.data ?? []).toString(),
  );
  assert.ok(summaries.includes('"prompt_0001"'), summaries.join());
});

test('a thousand prompts stay near five events each, far below the limit of one workflow', async (t) => {
  const script = scriptActivities({ prompts: 1000, shards: 2 });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 50 } });

  const outcome = await batch.result();
  const { historyLength } = await batch.handle.describe();

  assert.equal(outcome.counts.succeeded, 1000);
  assert.ok(script.peak <= 50);
  assert.ok(historyLength < 6500, `${historyLength} events`);
});
