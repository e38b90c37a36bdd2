import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { Progress } from '../../src/core/progress.ts';
import type { Receipt, Unsettled } from '../../src/core/receipt.ts';
import { resumeUpdate, setUpdate } from '../../src/workflows/messages.ts';
import {
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
const spending = (spentNanoUsd: number): Receipt => ({ ...succeeded(), paid: PAID, spentNanoUsd });
const unsettled = (spentNanoUsd: number, worstCostNanoUsd = WORST): Unsettled => ({
  status: 'unsettled',
  spentNanoUsd,
  worstCostNanoUsd,
});
const set = ({ handle }: RunningBatch, maxCostNanoUsd: number): Promise<Progress> =>
  handle.executeUpdate(setUpdate, { args: [{ maxCostNanoUsd }] });

test('under a cap only as many prompts start as worst cases fit, and each is told its allowance', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 6,
    complete: async () => {
      await gate.opened;
      return spending(1000);
    },
  });
  const limits = { maxWorkers: 6, maxCostNanoUsd: 3 * WORST };
  const batch = await harness.run(t, script, { limits });

  await until(() => script.tasks.length === 3);
  const full = await batch.until(({ counts }) => counts.running === 3);
  assert.deepEqual(full.budget, { maxCostNanoUsd: 3 * WORST, spentNanoUsd: 0, reservedNanoUsd: 3 * WORST });
  assert.equal(full.state, 'running', 'there is something in progress that can make room');
  gate.open();
  assert.equal((await batch.result()).state, 'succeeded');

  assert.ok(script.peak <= 3, `${script.peak} at once`);
  assert.deepEqual(
    script.tasks.map(({ index, allowanceNanoUsd }) => [index, allowanceNanoUsd]),
    [0, 1, 2, 3, 4, 5].map((index) => [index, WORST]),
    'in the order of the file',
  );
});

test('without a cap nothing is reserved and every prompt may spend what it needs', async (t) => {
  const script = scriptActivities({ prompts: 3, complete: () => spending(1_000_000) });
  const batch = await harness.run(t, script);
  assert.equal((await batch.result()).state, 'succeeded');
  assert.deepEqual(
    script.tasks.map(({ allowanceNanoUsd }) => allowanceNanoUsd),
    [null, null, null],
  );
});

test('at the cap the batch pauses (budget), a higher cap continues it by itself, and the cap is kept beside it', async (t) => {
  const script = scriptActivities({ prompts: 4, complete: () => spending(WORST) });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 2, maxCostNanoUsd: 2 * WORST + 1 } });

  const halted = await batch.until(paused);
  assert.equal(halted.pause?.reason, 'budget');
  assert.match(halted.pause?.message ?? '', /the cost cap of \$0\.000010001 is reached|the cost cap of \$/);
  assert.deepEqual([halted.counts.succeeded, halted.counts.failed, halted.counts.pending], [2, 0, 2]);
  assert.deepEqual(halted.budget?.spentNanoUsd, 2 * WORST);

  const still = await set(batch, 3 * WORST - 1);
  assert.equal(still.budget?.maxCostNanoUsd, 3 * WORST - 1);
  const again = await batch.until(paused);
  assert.deepEqual(
    [again.pause?.reason, script.tasks.length],
    ['budget', 2],
    'still too little for one more',
  );

  assert.equal((await set(batch, 4 * WORST)).state, 'running');
  assert.equal((await batch.result()).state, 'succeeded');
  assert.equal(script.tasks.length, 4);
  assert.deepEqual(
    script.limitNotes.map(({ maxCostNanoUsd }) => maxCostNanoUsd),
    [3 * WORST - 1, 4 * WORST],
  );
});

test('"resume" alone does not lift the cap: the batch pauses again before anything starts', async (t) => {
  const script = scriptActivities({ prompts: 2, complete: () => spending(WORST) });
  const batch = await harness.run(t, script, { limits: { maxCostNanoUsd: WORST } });
  await batch.until(paused);
  await batch.handle.executeUpdate(resumeUpdate, { args: [null] });
  const again = await batch.until(paused);
  assert.deepEqual([again.pause?.reason, script.tasks.length], ['budget', 1]);
});

test('a cap that is raised while prompts run lets more of them start at once', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 4,
    complete: async () => {
      await gate.opened;
      return spending(WORST);
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 4, maxCostNanoUsd: WORST } });
  await until(() => script.tasks.length === 1);
  await set(batch, 4 * WORST);
  await until(() => script.tasks.length === 4);
  gate.open();
  assert.equal((await batch.result()).state, 'succeeded');
  assert.deepEqual(script.notes, [], 'it never paused');
});

test('a cap of nothing is refused, and an account pause is not lifted by a new cap', async (t) => {
  const script = scriptActivities({
    prompts: 1,
    complete: () => {
      throw finalFailure('Completion.AccountBlocked', 'no balance');
    },
  });
  const batch = await harness.run(t, script, { limits: { maxCostNanoUsd: WORST } });
  await batch.until(paused);
  await assert.rejects(set(batch, 0), (error: Error) => {
    assert.ok(error instanceof WorkflowUpdateFailedError);
    return /must be above 0/.test(error.cause?.message ?? '');
  });
  const { state, pause, budget } = await set(batch, 9 * WORST);
  assert.deepEqual([state, pause?.reason, budget?.maxCostNanoUsd], ['paused', 'account', 9 * WORST]);
});

test('an unsettled prompt reserves again, comes first, keeps its count of faults, and its money is spent', async (t) => {
  const script = scriptActivities({
    prompts: 3,
    complete: ({ index, turn }) => (index === 0 && turn < 3 ? unsettled(turn * WORST) : spending(0)),
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 1, maxCostNanoUsd: 10 * WORST } });
  await batch.result();
  assert.deepEqual(
    script.tasks.map(({ index, turn, since = turn }) => [index, turn, since]),
    [
      [0, 1, 1],
      [0, 2, 1],
      [0, 3, 1],
      [1, 1, 1],
      [2, 1, 1],
    ],
  );
});

test('an unsettled prompt with no room left pauses the batch; the new worst case is what it then may spend', async (t) => {
  const script = scriptActivities({
    prompts: 1,
    complete: ({ turn }) => (turn === 1 ? unsettled(WORST, 2 * WORST) : spending(2 * WORST)),
  });
  const batch = await harness.run(t, script, { limits: { maxCostNanoUsd: 3 * WORST - 1 } });
  const halted = await batch.until(paused);
  assert.deepEqual([halted.pause?.reason, halted.budget?.spentNanoUsd], ['budget', WORST]);
  await set(batch, 3 * WORST);
  assert.equal((await batch.result()).state, 'succeeded');
  assert.deepEqual(
    script.tasks.map(({ allowanceNanoUsd }) => allowanceNanoUsd),
    [WORST, 2 * WORST],
  );
});

describe('what a turn that failed has spent', () => {
  const telling = (spentNanoUsd: number | null): ApplicationFailure => {
    const failure = ApplicationFailure.create({
      type: 'Completion.Unavailable',
      message: 'down',
      nonRetryable: true,
      details: [{ spentNanoUsd }],
    });
    failure.stack = 'Completion.Unavailable: down';
    return failure;
  };
  const rows: [title: string, failure: ApplicationFailure, spent: number][] = [
    ['is what its failure tells', telling(1234), 1234],
    ['is nothing, if it says so', telling(0), 0],
    ['is its whole reservation, if nobody can tell', telling(null), WORST],
    [
      'is its whole reservation, if the failure has no details',
      finalFailure('Storage.Failed', 'full'),
      WORST,
    ],
  ];
  for (const [title, failure, spent] of rows) {
    test(title, async (t) => {
      const script = scriptActivities({
        prompts: 1,
        complete: ({ turn }) => {
          if (turn === 1) throw failure;
          return spending(spent);
        },
      });
      const batch = await harness.run(t, script, { limits: { maxCostNanoUsd: 5 * WORST } });
      const { budget } = await batch.until(paused);
      assert.deepEqual([budget?.spentNanoUsd, budget?.reservedNanoUsd], [spent, 0]);
      await batch.handle.executeUpdate(resumeUpdate, { args: [null] });
      assert.equal((await batch.result()).state, 'succeeded');
      const { turn, since = turn } = script.tasks[1]!;
      assert.deepEqual([turn, since], [2, 2], 'after a pause faults count anew');
    });
  }
});

test('--max-failures pauses past the limit, and a resume allows as many again', async (t) => {
  const script = scriptActivities({ prompts: 8, complete: ({ index }) => failed(`no. ${index}`) });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 1, maxFailures: { count: 2 } } });
  const first = await batch.until(paused);
  assert.deepEqual([first.pause?.reason, first.counts.failed], ['failures', 3]);
  assert.match(
    first.pause?.message ?? '',
    /3 prompts failed, more than --max-failures 2; the last one: no\. 2/,
  );
  await batch.handle.executeUpdate(resumeUpdate, { args: [null] });
  const second = await batch.until((progress) => paused(progress) && progress.counts.failed > 3);
  assert.equal(second.counts.failed, 6);
  await batch.handle.executeUpdate(resumeUpdate, { args: [null] });
  assert.equal((await batch.result()).counts.failed, 8, 'two more are within the limit');
});
