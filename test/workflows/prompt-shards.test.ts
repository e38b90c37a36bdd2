import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from '../../src/core/progress.ts';
import type { PromptTask } from '../../src/core/prompt-task.ts';
import type { Receipt, Unsettled } from '../../src/core/receipt.ts';
import { cancelNowUpdate, resumeUpdate, setUpdate } from '../../src/workflows/messages.ts';
import { shardIdOf } from '../../src/core/shard-range.ts';
import {
  batchInput,
  createGate,
  failed,
  finalFailure,
  PAID,
  type RunningBatch,
  scriptActivities,
  startWorkflowHarness,
  succeeded,
  until,
  type WorkflowHarness,
  WORST_NANO_USD as WORST,
} from '../support/workflow-harness.ts';

let harness: WorkflowHarness;
before(async () => (harness = await startWorkflowHarness()));
after(() => harness.stop());

const paused = ({ state, counts }: Progress): boolean => state === 'paused' && counts.running === 0;
const resume = ({ handle }: RunningBatch): Promise<Progress> =>
  handle.executeUpdate(resumeUpdate, { args: [null] });
const after10Ms = async (): Promise<Receipt> => {
  await sleep(10);
  return succeeded();
};
const inOrder = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
const indexes = (tasks: readonly PromptTask[]): number[] =>
  tasks.map(({ index }) => index).sort((a, b) => a - b);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** In ns since 1970, by the server's clock, in order. */
async function promptsScheduledAt({ handle }: RunningBatch, shard: number): Promise<bigint[]> {
  const id = shardIdOf(batchInput(handle.workflowId, { prompts: 24, shards: 4 }), shard);
  const { events } = await harness.client.workflow.getHandle(id).fetchHistory();
  return events!
    .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'completePrompt')
    .map(
      ({ eventTime }) => BigInt(String(eventTime!.seconds)) * 1_000_000_000n + BigInt(eventTime!.nanos ?? 0),
    );
}

test('every prompt runs once, in the shard it belongs to, and the batch ends with one report', async (t) => {
  const script = scriptActivities({ prompts: 40, shards: 8 });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 4 } });

  const outcome = await batch.result();

  assert.deepEqual([outcome.state, outcome.counts.succeeded], ['succeeded', 40]);
  assert.deepEqual(indexes(script.tasks), upTo(40));
  assert.ok(script.tasks.every(({ shard, index }) => shard === Math.floor(index / 5)));
  assert.deepEqual([script.surveys, inOrder(script.reads)], [[1], upTo(8)]);
  assert.equal(script.reports.length, 1);
  assert.equal((await batch.progress()).paid.usage.total, PAID.usage.total);
});

test('a shard ends when the batch has heard all it was told: its end is not refused and replayed', async (t) => {
  const script = scriptActivities({ prompts: 40, shards: 4, complete: after10Ms });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 4 } });
  await batch.result();

  for (let shard = 0; shard < 4; shard++) {
    const id = shardIdOf(batchInput(batch.handle.workflowId, script.script), shard);
    const { events = [] } = await harness.client.workflow.getHandle(id).fetchHistory();
    const told = events?.filter((event) => event.signalExternalWorkflowExecutionInitiatedEventAttributes);
    const heard = events?.filter((event) => event.externalWorkflowExecutionSignaledEventAttributes);
    assert.equal(heard?.length, told?.length);
    assert.ok(told!.length > 0);
    assert.deepEqual(
      events?.filter((event) => event.workflowTaskFailedEventAttributes),
      [],
    );
  }
});

test('never more than max_workers prompts are in progress over all shards, and no fewer while there is work', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 60,
    shards: 12,
    complete: async ({ index }) => {
      // The first of each shard is slow: its slots are lent on while it runs.
      if (index % 5 === 0) await gate.opened;
      else await sleep(10);
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 7 } });

  await until(
    () => script.running === 7 && indexes(script.tasks).filter((index) => index % 5 === 0).length === 7,
  );
  const midway = await batch.until(({ counts }) => counts.running === 7);
  gate.open();
  const outcome = await batch.result();

  assert.equal(midway.maxWorkers, 7);
  assert.deepEqual([outcome.counts.succeeded, script.peak], [60, 7]);
  assert.deepEqual(indexes(script.tasks), upTo(60));
});

test('prompts start in the order of the file, shard after shard', async (t) => {
  const script = scriptActivities({ prompts: 24, shards: 4, complete: after10Ms });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 3 } });
  await batch.result();
  // As the server has noted it: workers may begin with what was scheduled together in any order.
  const scheduled = await Promise.all([0, 1, 2, 3].map((shard) => promptsScheduledAt(batch, shard)));
  assert.deepEqual(
    scheduled.map(({ length }) => length),
    [6, 6, 6, 6],
  );
  for (const [shard, times] of scheduled.slice(1).entries())
    assert.ok(
      scheduled[shard]!.at(-1)! <= times[0]!,
      `shard ${shard + 1} began before shard ${shard} had begun its last`,
    );
});

test('what earlier runs settled is counted and not run again; shards with nothing left are not started', async (t) => {
  const script = scriptActivities({ prompts: 20, shards: 4, settledBefore: 11 });
  const batch = await harness.run(t, script, { run: 2 });
  const outcome = await batch.result();
  assert.equal(outcome.counts.succeeded, 20);
  assert.deepEqual(indexes(script.tasks), upTo(20).slice(11));
  assert.deepEqual(inOrder(script.reads), [2, 3]);
});

test('progress adds up what the shards tell', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 20,
    shards: 4,
    complete: async ({ index }) => {
      if (index === 19) await gate.opened;
      if (index === 7) return failed('no such parameter');
      return after10Ms();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 4 } });
  const midway = await batch.until(({ counts }) => counts.succeeded === 18);
  gate.open();
  const outcome = await batch.result();

  assert.deepEqual(midway.counts, { total: 20, pending: 0, running: 1, succeeded: 18, failed: 1, notRun: 0 });
  assert.equal(midway.paid.usage.total, 18 * PAID.usage.total);
  assert.deepEqual(midway.lastFailures, [
    { promptId: 'prompt_0008', type: 'Completion.Rejected', message: 'no such parameter' },
  ]);
  assert.deepEqual([outcome.state, outcome.counts.failed], ['partly_failed', 1]);
});

test('a pause by one shard stops all; what runs finishes, nothing starts until it is resumed', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 24,
    shards: 6,
    complete: async ({ index, turn }) => {
      if (index === 9 && turn === 1) throw finalFailure('Completion.AccountBlocked', 'no balance');
      if (index === 8) await gate.opened;
      return after10Ms();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 4 } });

  const halted = await batch.until(({ state, counts }) => state === 'paused' && counts.running === 1);
  gate.open();
  await batch.until(paused);
  const asked = script.tasks.length;
  await batch.atRest();
  assert.equal(script.tasks.length, asked, 'nothing starts in a paused batch');
  assert.deepEqual([halted.pause?.reason, halted.pause?.message], ['account', 'no balance']);
  assert.deepEqual(
    script.notes.map((pause) => pause?.reason),
    ['account'],
  );

  await resume(batch);
  assert.equal((await batch.result()).counts.succeeded, 24);
  assert.deepEqual(
    indexes(script.tasks.filter(({ index }) => index !== 9)),
    upTo(24).filter((index) => index !== 9),
  );
  assert.deepEqual(
    script.tasks.filter(({ index }) => index === 9).map(({ turn }) => turn),
    [1, 2],
  );
  assert.equal(script.peak <= 4, true, `${script.peak}`);
});

test('a shard that cannot be read pauses the batch (storage), and is read again when resumed', async (t) => {
  let full = true;
  const script = scriptActivities({
    prompts: 12,
    shards: 4,
    beforeRead: (shard) => {
      if (shard === 2 && full) throw finalFailure('Storage.Failed', 'disk full');
    },
  });
  const batch = await harness.run(t, script);
  const halted = await batch.until(paused);
  assert.deepEqual([halted.pause?.reason, halted.pause?.message], ['storage', 'disk full']);
  full = false;
  await resume(batch);
  assert.equal((await batch.result()).counts.succeeded, 12);
});

test('more or fewer workers take effect on the shards that run', async (t) => {
  const gates = [createGate(), createGate()] as const;
  const script = scriptActivities({
    prompts: 30,
    shards: 3,
    complete: async () => {
      await gates[0].opened;
      if (script.tasks.length > 8) await gates[1].opened;
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 2 } });
  await until(() => script.running === 2);
  await batch.handle.executeUpdate(setUpdate, { args: [{ maxWorkers: 8 }] });
  await until(() => script.running === 8);
  await batch.handle.executeUpdate(setUpdate, { args: [{ maxWorkers: 3 }] });
  gates[0].open();
  await until(() => script.tasks.length > 8 && script.running === 3);
  await batch.atRest();
  assert.equal(script.running, 3);
  gates[1].open();
  assert.equal((await batch.result()).counts.succeeded, 30);
  assert.equal(script.peak, 8);
});

describe('cancel', () => {
  test('what runs finishes within the grace, nothing starts, and the report tells what was not run', async (t) => {
    const gate = createGate();
    const script = scriptActivities({
      prompts: 20,
      shards: 4,
      complete: async () => {
        await gate.opened;
        return succeeded();
      },
    });
    const batch = await harness.run(t, script, { limits: { maxWorkers: 3 } });
    await until(() => script.running === 3);
    await batch.handle.cancel();
    await batch.until(({ state }) => state === 'cancelling');
    await batch.atRest();
    gate.open();
    await assert.rejects(batch.result());
    assert.deepEqual([script.tasks.length, script.reports[0]?.state], [3, 'cancelled']);
    assert.equal((await batch.progress()).counts.notRun, 17);
  });

  test('"cancelNow" does not wait for prompts that wait to be retried', async (t) => {
    const script = scriptActivities({
      prompts: 20,
      shards: 4,
      complete: () => {
        throw new Error('busy');
      },
    });
    const batch = await harness.run(t, script, { limits: { maxWorkers: 3 } });
    await until(() => script.tasks.length >= 3);
    await batch.handle.executeUpdate(cancelNowUpdate);
    await batch.handle.cancel();
    await assert.rejects(batch.result());
    assert.equal(script.reports[0]?.state, 'cancelled');
  });

  test('a cancelled shard goes on: it ends with its batch', async (t) => {
    const gate = createGate();
    const script = scriptActivities({
      prompts: 20,
      shards: 4,
      complete: async () => {
        await gate.opened;
        return succeeded();
      },
    });
    const batch = await harness.run(t, script);
    await until(() => script.running === 2);
    const input = batchInput(batch.handle.workflowId, script.script);
    await harness.client.workflow.getHandle(shardIdOf(input, 0)).cancel();
    gate.open();
    assert.equal((await batch.result()).counts.succeeded, 20);
    assert.deepEqual(indexes(script.tasks), upTo(20));
  });
});

test('a terminated shard is started again from the ledger, its slots not lent on before its prompts are given up', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 12,
    shards: 3,
    complete: async ({ index }) => {
      if (index === 1) await gate.opened;
      return after10Ms();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 2 } });
  await until(() => script.tasks.some(({ index }) => index === 2));
  await until(() => script.running === 1);
  const input = batchInput(batch.handle.workflowId, script.script);
  await harness.client.workflow.getHandle(shardIdOf(input, 0)).terminate('by hand');
  gate.open();
  const outcome = await batch.result();

  assert.equal(outcome.counts.succeeded, 12);
  assert.deepEqual(
    indexes(script.tasks).filter((index) => index !== 1),
    upTo(12).filter((index) => index !== 1),
  );
  assert.deepEqual(script.reads.filter((shard) => shard === 0).length, 2);
  assert.ok(script.peak <= 2, `${script.peak}`);
  assert.equal((await batch.progress()).counts.succeeded, 12);
});

test('a terminated shard that is started again goes on counting the turns of its prompts', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 6,
    shards: 3,
    complete: async ({ index, turn }) => {
      if (index === 1 && turn === 1) await gate.opened;
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });
  await until(() => script.running === 1 && script.tasks.length === 2);
  const input = batchInput(batch.handle.workflowId, script.script);
  await harness.client.workflow.getHandle(shardIdOf(input, 0)).terminate('by hand');
  const { counts } = await batch.result();
  gate.open();
  assert.equal(counts.succeeded, 6);
  assert.deepEqual(
    script.tasks.filter(({ index }) => index === 1).map(({ turn }) => turn),
    [1, 2],
  );
});

test('what a terminated shard has settled stays counted while it cannot be read again', async (t) => {
  const gate = createGate();
  let reads = 0;
  const script = scriptActivities({
    prompts: 12,
    shards: 3,
    beforeRead: (shard) => {
      if (shard === 0 && ++reads === 2) throw finalFailure('Storage.Failed', 'disk gone');
    },
    complete: async ({ index }) => {
      if (index === 3) await gate.opened;
      return after10Ms();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });
  await batch.until(({ counts }) => counts.succeeded === 3 && counts.running === 1);
  const input = batchInput(batch.handle.workflowId, script.script);
  await harness.client.workflow.getHandle(shardIdOf(input, 0)).terminate('by hand');
  gate.open();
  const halted = await batch.until(paused);
  assert.equal(halted.pause?.reason, 'storage');
  assert.ok(halted.counts.succeeded >= 3, `${halted.counts.succeeded}`);
  await resume(batch);
  assert.equal((await batch.result()).counts.succeeded, 12);
});

describe('failures', () => {
  test('past --max-failures over all shards the batch pauses', async (t) => {
    const gate = createGate();
    const script = scriptActivities({
      prompts: 40,
      shards: 8,
      complete: async ({ index }) => {
        if (script.tasks.length > 7) await gate.opened;
        return failed(`no. ${index}`);
      },
    });
    const batch = await harness.run(t, script, { limits: { maxFailures: { count: 4 } } });
    await batch.until(({ state }) => state === 'paused');
    gate.open();
    const halted = await batch.until(paused);
    assert.equal(halted.pause?.reason, 'failures');
    assert.match(halted.pause?.message ?? '', /more than --max-failures 4/);
    assert.ok(halted.counts.failed > 4 && halted.counts.failed < 40, `${halted.counts.failed}`);
  });

  test('the first ones all failing alike pause the batch', async (t) => {
    const gate = createGate();
    const script = scriptActivities({
      prompts: 60,
      shards: 12,
      complete: async () => {
        if (script.tasks.length > 12) await gate.opened;
        return failed('no such model');
      },
    });
    const batch = await harness.run(t, script);
    await batch.until(({ state }) => state === 'paused');
    gate.open();
    const halted = await batch.until(paused);
    assert.match(halted.pause?.message ?? '', /the first \d+ prompts all failed with: no such model/);
    await resume(batch);
    assert.equal((await batch.result()).counts.failed, 60, 'once resumed it does not pause for that again');
  });
});

describe('a cost cap over shards', () => {
  const spending = (spentNanoUsd: number): Receipt => ({ ...succeeded(), spentNanoUsd });
  const set = ({ handle }: RunningBatch, maxCostNanoUsd: number): Promise<Progress> =>
    handle.executeUpdate(setUpdate, { args: [{ maxCostNanoUsd }] });

  test('is never passed, used to the last prompt, and lifted by a higher one', async (t) => {
    const script = scriptActivities({ prompts: 20, shards: 5, complete: () => spending(WORST) });
    const limits = { maxWorkers: 3, maxCostNanoUsd: 9 * WORST + 1 };
    const batch = await harness.run(t, script, { limits });
    const halted = await batch.until(paused);
    assert.equal(halted.pause?.reason, 'budget');
    assert.deepEqual([halted.budget?.spentNanoUsd, script.tasks.length], [9 * WORST, 9]);
    await set(batch, 12 * WORST);
    const again = await batch.until((progress) => paused(progress) && progress.counts.succeeded > 9);
    assert.deepEqual([again.counts.succeeded, again.budget?.spentNanoUsd], [12, 12 * WORST]);
    await resume(batch);
    const still = await batch.until(paused);
    assert.deepEqual([still.pause?.reason, script.tasks.length], ['budget', 12]);
    await set(batch, 20 * WORST);
    assert.equal((await batch.result()).counts.succeeded, 20);
  });

  test('what prompts cost less than their worst case lets others start', async (t) => {
    const script = scriptActivities({
      prompts: 40,
      shards: 8,
      complete: async () => {
        await sleep(5);
        return spending(WORST / 10);
      },
    });
    const batch = await harness.run(t, script, { limits: { maxWorkers: 6, maxCostNanoUsd: 5 * WORST } });
    assert.equal((await batch.result()).counts.succeeded, 40);
    assert.deepEqual(script.notes, [], 'it never paused');
    assert.ok(script.peak <= 5, `${script.peak}`);
  });

  test('the last of it is used where every shard has a part of what one prompt needs', async (t) => {
    const script = scriptActivities({
      prompts: 120,
      shards: 3,
      complete: async () => {
        await sleep(5);
        return spending(WORST / 10);
      },
    });
    const batch = await harness.run(t, script, { limits: { maxWorkers: 20, maxCostNanoUsd: 9 * WORST } });
    const { pause, counts, budget } = await batch.until(paused);
    assert.equal(pause?.reason, 'budget');
    // The next prompt's worst case does not fit any more; one prompt before, it did.
    assert.deepEqual([counts.succeeded, budget?.spentNanoUsd], [81, 8.1 * WORST]);
  });

  test('a cap set on a running batch holds for what starts from then on', async (t) => {
    const gate = createGate();
    const script = scriptActivities({
      prompts: 20,
      shards: 4,
      complete: async () => {
        await gate.opened;
        return spending(WORST);
      },
    });
    const batch = await harness.run(t, script, { limits: { maxWorkers: 4 } });
    await until(() => script.running === 4);
    await set(batch, 7 * WORST);
    await batch.atRest();
    gate.open();
    const halted = await batch.until(paused);
    assert.deepEqual([halted.pause?.reason, halted.budget?.spentNanoUsd], ['budget', 7 * WORST]);
    await set(batch, 100 * WORST);
    assert.equal((await batch.result()).counts.succeeded, 20);
  });

  test('a cap that comes when more is in progress than it allows lets nothing start', async (t) => {
    const gate = createGate();
    const script = scriptActivities({
      prompts: 30,
      shards: 3,
      complete: async () => {
        await gate.opened;
        return spending(WORST);
      },
    });
    // The second shard is there, and gets slots with the cap; the first has told nothing since its start.
    const batch = await harness.run(t, script, { limits: { maxWorkers: 6 } });
    await until(() => script.running === 6);
    const changes = { maxCostNanoUsd: 6 * WORST, maxWorkers: 300 };
    await batch.handle.executeUpdate(setUpdate, { args: [changes] });
    await batch.atRest();
    assert.equal(script.tasks.length, 6);
    const known = await batch.until(({ budget }) => budget?.reservedNanoUsd === 6 * WORST);
    gate.open();
    const halted = await batch.until(paused);
    assert.equal(known.state, 'running', 'what is in progress may make room');
    assert.deepEqual([halted.pause?.reason, halted.budget?.spentNanoUsd], ['budget', 6 * WORST]);
    await set(batch, 30 * WORST);
    assert.equal((await batch.result()).counts.succeeded, 30);
  });

  test('what earlier runs spent counts', async (t) => {
    const unsettledOnce = ({ turn }: PromptTask): Receipt | Unsettled =>
      turn === 1
        ? { status: 'unsettled', spentNanoUsd: WORST, worstCostNanoUsd: WORST }
        : spending(2 * WORST);
    const script = scriptActivities({ prompts: 6, shards: 3, complete: unsettledOnce });
    const batch = await harness.run(t, script, { limits: { maxWorkers: 2, maxCostNanoUsd: 12 * WORST } });
    assert.equal((await batch.result()).counts.succeeded, 6);
    const { budget } = await batch.progress();
    assert.equal(budget?.spentNanoUsd, 12 * WORST);
  });
});
