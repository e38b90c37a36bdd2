import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { Requester, Progress } from '../../src/core/progress.ts';
import type { LimitChanges } from '../../src/core/settings.ts';
import { addUpdate, pauseUpdate, resumeUpdate, setUpdate } from '../../src/workflows/messages.ts';
import {
  type Cleanup,
  createGate,
  failed,
  finalFailure,
  PAID,
  type RunningBatch,
  type ScriptedActivities,
  scriptActivities,
  startWorkflowHarness,
  succeeded,
  until,
  type WorkflowHarness,
  WORST_NANO_USD as WORST,
} from '../support/workflow-harness.ts';

/** Batches of many shards go on as new after a handful of them. */
let harness: WorkflowHarness;
before(
  async () => (harness = await startWorkflowHarness({ 'limit.historyCount.suggestContinueAsNew': 150 })),
);
after(() => harness.stop());

const ann = { by: 'ann@laptop', reason: 'more' };
const add = ({ handle }: RunningBatch, sha256: string): Promise<Progress> =>
  handle.executeUpdate(addUpdate, { args: [{ stage: '.addition', sha256 }, ann] });
const HELD = { reason: 'operator', message: 'held', since: '2026-01-01T00:00:00.000Z' } as const;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const refusal = (because: RegExp) => (error: Error) =>
  error instanceof WorkflowUpdateFailedError && because.test(error.cause?.message ?? '');

const sizes = [
  { title: 'a small batch', shards: 1, additions: { few: 3, more: 2 } },
  { title: 'a small batch that gets large', shards: 1, additions: { few: 3, more: 40 } },
  { title: 'a batch of many shards', shards: 4, additions: { few: 3, more: 40 } },
];
for (const { title, shards, additions } of sizes) {
  test(`${title} takes prompts while it runs: each runs once, and all are counted`, async (t) => {
    const gate = createGate();
    const script = scriptActivities({
      prompts: 12,
      shards,
      additions,
      complete: async ({ index }) => {
        if (index > 4) await gate.opened;
        await sleep(2);
        return index === 3 ? failed('refused') : succeeded();
      },
    });
    const batch = await harness.run(t, script, { limits: { maxWorkers: 3 } });
    await until(() => script.tasks.some(({ index }) => index > 4));

    assert.equal((await add(batch, 'few')).counts.total, 15);
    const total = 15 + additions.more;
    assert.equal((await add(batch, 'more')).counts.total, total);
    assert.equal((await add(batch, 'few')).counts.total, total, 'what is there is not added again');
    gate.open();
    const outcome = await batch.result();

    assert.deepEqual([outcome.counts.total, outcome.counts.succeeded], [total, total - 1]);
    assert.deepEqual(
      script.tasks.map(({ index }) => index).sort((a, b) => a - b),
      upTo(total),
    );
    assert.ok(script.peak <= 3, `${script.peak}`);
    assert.deepEqual(
      script.controls.map(({ control, by, reason }) => ({ control, by, reason })),
      [
        { control: 'add', ...ann },
        { control: 'add', ...ann },
      ],
    );
  });
}

test('what was settled before a batch got large is counted once', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 6,
    shards: 2,
    additions: { more: 20 },
    complete: async ({ index }) => {
      if (index >= 4) await gate.opened;
      return { ...(index === 1 ? failed('refused') : succeeded()), spentNanoUsd: 10 };
    },
  });
  const limits = { maxWorkers: 2, maxCostNanoUsd: 1_000_000_000 };
  const batch = await harness.run(t, script, { limits });
  await until(() => script.running === 2);
  await add(batch, 'more');
  const told = await batch.handle.executeUpdate(pauseUpdate, { args: [ann] });
  assert.deepEqual([told.counts.total, told.counts.succeeded, told.counts.failed], [26, 3, 1]);
  gate.open();
  const held = await batch.until(
    ({ state, counts }) => script.surveys.length === 1 && state === 'paused' && counts.running === 0,
  );
  assert.equal(held.pause?.by, 'ann@laptop', 'the pause goes along');
  await batch.handle.executeUpdate(resumeUpdate, { args: [ann] });
  await batch.result();
  const { counts, paid, budget } = await batch.until(({ state }) => state === 'partly_failed');
  assert.deepEqual([counts.succeeded, counts.failed], [25, 1]);
  assert.equal(budget?.spentNanoUsd, 260);
  assert.equal(paid.usage.total, PAID.usage.total);
  const beforeTheReport = script.tasks.length;
  assert.equal(beforeTheReport, 26);
});

test('a cap that is nearly used up holds while a batch gets large', async (t) => {
  const script = scriptActivities({
    prompts: 6,
    shards: 2,
    additions: { more: 20 },
    complete: () => ({ ...succeeded(), spentNanoUsd: WORST }),
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 2, maxCostNanoUsd: 5 * WORST } });
  await batch.until(({ state, counts }) => state === 'paused' && counts.running === 0);
  assert.equal(script.tasks.length, 5);
  await add(batch, 'more');
  await batch.handle.executeUpdate(resumeUpdate, { args: [ann] });
  await until(() => script.surveys.length === 1);
  const { pause, budget } = await batch.until(
    ({ state, counts }) => state === 'paused' && counts.total === 26 && counts.running === 0,
  );
  assert.deepEqual([pause?.reason, budget?.spentNanoUsd, script.tasks.length], ['budget', 5 * WORST, 5]);
  await batch.handle.executeUpdate(setUpdate, { args: [{ maxCostNanoUsd: 26 * WORST }, ann] });
  assert.equal((await batch.result()).counts.succeeded, 26);
});

/**
 * A small batch of three shards, each with one prompt that is put back and the others paid for, gets large while it
 * is paused. Two shards are worked on at a time.
 */
async function heldAndGrown(t: Cleanup, maxCostNanoUsd: number): Promise<[RunningBatch, ScriptedActivities]> {
  const blocked = [0, 12, 15];
  const othersEnded = createGate();
  const script = scriptActivities({
    ...{ prompts: 12, shards: 1, additions: { second: 3, third: 3, more: 12 } },
    complete: async ({ index, turn }) => {
      if (turn > 1 || !blocked.includes(index)) return { ...succeeded(), spentNanoUsd: WORST };
      await othersEnded.opened;
      throw finalFailure('Completion.AccountBlocked', 'no balance');
    },
  });
  const batch = await harness.run(t, script, { pause: HELD, limits: { maxWorkers: 18, maxCostNanoUsd } });
  for (const part of ['second', 'third']) await add(batch, part);
  await batch.handle.executeUpdate(resumeUpdate, { args: [ann] });
  await until(() => script.tasks.length === 18 && script.running === blocked.length);
  othersEnded.open();
  await batch.until(({ state, counts }) => state === 'paused' && counts.running === 0);
  await add(batch, 'more');
  await until(() => script.surveys.length === 1);
  return [batch, script];
}

describe('what was spent in shards that wait for their turn when a batch gets large', () => {
  test('counts against the cap', async (t) => {
    const [batch, script] = await heldAndGrown(t, 18 * WORST);
    const held = await batch.until(({ counts }) => counts.total === 30 && counts.running === 0);
    assert.equal(held.budget?.spentNanoUsd, 15 * WORST);
    await batch.handle.executeUpdate(resumeUpdate, { args: [ann] });
    const { pause, budget } = await batch.until(
      ({ state, counts, pause: cause }) =>
        state === 'paused' && cause?.reason === 'budget' && counts.running === 0,
    );
    assert.deepEqual([pause?.reason, budget?.spentNanoUsd], ['budget', 18 * WORST]);
    assert.equal(script.tasks.length, 18 + 3);
  });

  test('counts once after another continue-as-new', async (t) => {
    const [batch] = await heldAndGrown(t, 30 * WORST);
    const executions = new Set<string>();
    while (executions.size < 3) {
      executions.add((await batch.handle.describe()).runId);
      await batch.handle.executeUpdate(setUpdate, { args: [{ patienceMs: 5 }, ann] });
    }
    assert.equal((await batch.progress()).budget?.spentNanoUsd, 15 * WORST);
    await batch.handle.executeUpdate(resumeUpdate, { args: [ann] });
    const { budget, counts } = await batch.until(({ state }) => state === 'succeeded' || state === 'paused');
    assert.deepEqual([budget?.spentNanoUsd, counts.succeeded], [30 * WORST, 30]);
  });
});

test('a batch that gets large goes on counting the turns of what it had put back', async (t) => {
  const script = scriptActivities({
    prompts: 6,
    shards: 2,
    additions: { more: 20 },
    complete: ({ index, turn }) => {
      if (index === 1 && turn === 1) throw finalFailure('Completion.AccountBlocked', 'no balance');
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });
  await batch.until(({ state, counts }) => state === 'paused' && counts.running === 0);
  await add(batch, 'more');
  await batch.handle.executeUpdate(resumeUpdate, { args: [ann] });
  assert.equal((await batch.result()).counts.succeeded, 26);
  assert.deepEqual(
    script.tasks.filter(({ turn }) => turn > 1).map(({ index, turn, since }) => [index, turn, since]),
    [[1, 2, undefined]],
    'and faults of the turn before count no more',
  );
});

test('a shard of added prompts that is terminated is started again', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    ...{ prompts: 12, shards: 4, additions: { some: 3 } },
    complete: async ({ index }) => {
      if (index > 10) await gate.opened;
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 2 } });
  await until(() => script.tasks.some(({ index }) => index === 11));
  await add(batch, 'some');
  await until(() => script.tasks.some(({ index }) => index === 12));
  await harness.client.workflow.getHandle(`${batch.handle.workflowId}:13-15`).terminate('by hand');
  gate.open();
  assert.equal((await batch.result()).counts.succeeded, 15);
});

describe('an addition', () => {
  test('that comes before a large batch knows its shards is run once', async (t) => {
    const script = scriptActivities({
      prompts: 12,
      shards: 4,
      additions: { early: 2 },
      beforeSurvey: () => until(() => script.controls.length === 1),
    });
    const batch = await harness.run(t, script);
    await add(batch, 'early');
    assert.equal((await batch.result()).counts.succeeded, 14);
    assert.deepEqual(
      script.tasks.map(({ index }) => index).sort((a, b) => a - b),
      upTo(14),
    );
  });

  test('that comes while the last prompts finish is worked on', async (t) => {
    const admitting = createGate();
    const script = scriptActivities({
      prompts: 1,
      additions: { late: 2 },
      beforeAdmit: () => admitting.opened,
    });
    const batch = await harness.run(t, script, { pause: HELD });
    const added = add(batch, 'late');
    // It takes effect at once; only its note waits for the one before it.
    const resumed = batch.handle.executeUpdate(resumeUpdate, { args: [ann] });
    await batch.until(({ counts }) => counts.succeeded === 1);
    await batch.atRest();
    assert.equal(script.reports.length, 0, 'it waits for those that are being added');
    admitting.open();
    await Promise.all([added, resumed]);
    assert.equal((await batch.result()).counts.succeeded, 3);
  });

  test('that cannot be taken in is refused in the words of the store, and the batch goes on', async (t) => {
    const gate = createGate();
    const script = scriptActivities({
      prompts: 2,
      additions: { some: 1 },
      beforeAdmit: () => {
        throw finalFailure('Storage.Failed', 'disk full');
      },
      complete: async () => {
        await gate.opened;
        return succeeded();
      },
    });
    const batch = await harness.run(t, script);
    await until(() => script.running === 2);
    await assert.rejects(add(batch, 'some'), refusal(/^disk full$/));
    gate.open();
    assert.equal((await batch.result()).counts.total, 2);
  });

  test('to a batch that is writing its report, or is being cancelled, is refused', async (t) => {
    const gate = createGate();
    const script = scriptActivities({ prompts: 1, additions: { some: 1 }, beforeReport: () => gate.opened });
    const ending = await harness.run(t, script);
    await ending.until(({ counts }) => counts.succeeded === 1);
    await until(() => script.reports.length === 1);
    await assert.rejects(add(ending, 'some'), refusal(/just ending/));
    await assert.rejects(ending.handle.executeUpdate(pauseUpdate, { args: [ann] }), refusal(/just ending/));
    const limits = [{ maxWorkers: 2 }, ann] as [LimitChanges, Requester];
    await assert.rejects(ending.handle.executeUpdate(setUpdate, { args: limits }), refusal(/just ending/));
    gate.open();
    assert.equal((await ending.result()).counts.total, 1);

    const finishing = createGate();
    const complete = async () => {
      await finishing.opened;
      return succeeded();
    };
    const held = await harness.run(t, scriptActivities({ prompts: 1, complete }));
    await held.until(({ counts }) => counts.running === 1);
    await held.handle.cancel();
    await held.until(({ state }) => state === 'cancelling');
    await assert.rejects(add(held, 'some'), refusal(/is being cancelled/));
    finishing.open();
  });
});
