import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { Requester, Progress } from '../../src/core/progress.ts';
import { type LimitChanges, MAX_WORKERS } from '../../src/core/settings.ts';
import { faultOf } from '../../src/core/limit-changes.ts';
import { pauseUpdate, resumeUpdate, setUpdate } from '../../src/workflows/messages.ts';
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

const ann: Requester = { by: 'ann@laptop', reason: 'lunch' };
const pause = ({ handle }: RunningBatch, updateId = 'pause-1'): Promise<Progress> =>
  handle.executeUpdate(pauseUpdate, { args: [ann], updateId });
const resume = ({ handle }: RunningBatch): Promise<Progress> =>
  handle.executeUpdate(resumeUpdate, { args: [{ by: 'bob@desk', reason: null }] });
const set = ({ handle }: RunningBatch, changes: LimitChanges): Promise<Progress> =>
  handle.executeUpdate(setUpdate, { args: [changes, ann] });
const paused = ({ state, counts }: Progress): boolean => state === 'paused' && counts.running === 0;
const refusal = (because: RegExp) => (error: Error) =>
  error instanceof WorkflowUpdateFailedError && because.test(error.cause?.message ?? '');

describe("an operator's pause", () => {
  for (const { title, shards } of [
    { title: 'of a small batch', shards: 1 },
    { title: 'of one of many shards', shards: 4 },
  ]) {
    test(`${title}: what runs finishes, nothing starts until resumed, and who asked is told and noted`, async (t) => {
      const gate = createGate();
      const script = scriptActivities({
        prompts: 12,
        shards,
        complete: async () => {
          await gate.opened;
          return succeeded();
        },
      });
      const batch = await harness.run(t, script, { limits: { maxWorkers: 3 } });
      await until(() => script.running === 3);

      const answer = await pause(batch);
      gate.open();
      const halted = await batch.until(paused);
      await batch.atRest();
      assert.deepEqual([script.tasks.length, halted.counts.succeeded], [3, 3]);
      assert.equal(answer.state, 'paused');
      const { since, ...cause } = halted.pause!;
      assert.deepEqual(cause, { reason: 'operator', message: 'lunch', by: 'ann@laptop' });
      assert.deepEqual(
        [script.notes, (await batch.handle.describe()).memo?.['pause']],
        [[halted.pause], halted.pause],
      );

      assert.equal((await resume(batch)).state, 'running');
      assert.equal((await batch.result()).counts.succeeded, 12);
      assert.deepEqual(
        script.controls.map(({ at: _at, ...control }) => control),
        [
          { id: 'pause-1', control: 'pause', ...ann },
          { id: script.controls[1]?.id, control: 'resume', by: 'bob@desk', reason: null },
        ],
      );
      assert.ok(since <= script.controls[1]!.at);
    });
  }

  test('sent again it is carried out once; asked for again it is refused, saying who was first', async (t) => {
    const gate = createGate();
    const script = scriptActivities({
      prompts: 2,
      complete: async () => {
        await gate.opened;
        return succeeded();
      },
    });
    const batch = await harness.run(t, script, { limits: { maxWorkers: 1 } });
    await until(() => script.running === 1);
    await pause(batch);
    assert.equal((await pause(batch)).state, 'paused', 'the same update');
    await assert.rejects(
      pause(batch, 'pause-2'),
      refusal(/already paused: operator, ann@laptop: lunch, since 2/),
    );
    gate.open();
    await batch.until(paused);
    assert.equal(script.controls.length, 1);
  });

  test('is not taken for more than it is by a batch that has paused itself', async (t) => {
    const script = scriptActivities({
      prompts: 2,
      complete: () => {
        throw finalFailure('Completion.AccountBlocked', 'no balance');
      },
    });
    const batch = await harness.run(t, script);
    await batch.until(paused);
    await assert.rejects(pause(batch), refusal(/already paused: account: no balance, since/));
  });

  test('comes before any worker, and without a word of who asked', async (t) => {
    const script = scriptActivities({ prompts: 2 });
    const batch = await harness.run(t, script, { worker: false });
    const asked = batch.handle.executeUpdate('pause');
    await batch.startWorker();
    await asked;
    const { pause: told } = await batch.until(paused);
    assert.deepEqual([told?.reason, told?.message, told?.by], ['operator', 'no reason given', undefined]);
    assert.equal(script.tasks.length, 0);
  });

  test('of a batch that is being cancelled is refused', async (t) => {
    const gate = createGate();
    const complete = async () => {
      await gate.opened;
      return succeeded();
    };
    const batch = await harness.run(t, scriptActivities({ prompts: 1, complete }));
    await batch.until(({ counts }) => counts.running === 1);
    await batch.handle.cancel();
    await batch.until(({ state }) => state === 'cancelling');
    await assert.rejects(pause(batch), refusal(/is being cancelled/));
    gate.open();
  });
});

describe('"set"', () => {
  test('more workers take effect on the prompts that wait, fewer as prompts finish', async (t) => {
    const gates = [createGate(), createGate()] as const;
    const script = scriptActivities({
      prompts: 20,
      complete: async ({ index }) => {
        await gates[index < 6 ? 0 : 1].opened;
        return succeeded();
      },
    });
    const batch = await harness.run(t, script, { limits: { maxWorkers: 2 } });
    await until(() => script.running === 2);
    assert.equal((await set(batch, { maxWorkers: 6 })).maxWorkers, 6);
    await until(() => script.running === 6);
    await set(batch, { maxWorkers: 1 });
    gates[0].open();
    await until(() => script.tasks.length === 7 && script.running === 1);
    await batch.atRest();
    assert.equal(script.tasks.length, 7);
    gates[1].open();
    assert.equal((await batch.result()).counts.succeeded, 20);
    assert.deepEqual(
      script.controls.map(({ changes }) => changes),
      script.limitNotes,
    );
  });

  test('a failure limit that is passed already pauses at once', async (t) => {
    const gate = createGate();
    const script = scriptActivities({
      prompts: 6,
      complete: async ({ index }) => {
        if (index < 3) return failed(`refused ${index}`);
        await gate.opened;
        return succeeded();
      },
    });
    const batch = await harness.run(t, script);
    await batch.until(({ counts }) => counts.failed === 3);
    const answer = await set(batch, { maxFailures: { count: 2 } });
    assert.deepEqual([answer.state, answer.pause?.reason], ['paused', 'failures']);
    assert.match(answer.pause!.message, /3 prompts failed, more than --max-failures 2/);
    gate.open();
    await resume(batch);
    assert.equal((await batch.result()).counts.failed, 3);
  });

  test('what makes no sense is refused, whoever sends it', async (t) => {
    const batch = await harness.run(t, scriptActivities({ prompts: 1 }), {
      pause: { reason: 'operator', message: 'held', since: '2026-01-01T00:00:00.000Z' },
    });
    await assert.rejects(set(batch, {}), refusal(/there is nothing to set/));
    await assert.rejects(set(batch, { maxWorkers: MAX_WORKERS + 1 }), refusal(/from 1 to 5000/));
  });
});

const faults: { changes: object; says: RegExp | null }[] = [
  { changes: { maxWorkers: MAX_WORKERS }, says: null },
  { changes: { maxWorkers: MAX_WORKERS + 1 }, says: /max workers/ },
  { changes: { maxWorkers: 0 }, says: /max workers/ },
  { changes: { maxWorkers: 1.5 }, says: /max workers/ },
  { changes: { maxCostNanoUsd: 1 }, says: null },
  { changes: { maxCostNanoUsd: null }, says: null },
  { changes: { maxCostNanoUsd: 0 }, says: /cost cap/ },
  { changes: { patienceMs: 0 }, says: null },
  { changes: { patienceMs: -1 }, says: /patience/ },
  { changes: { maxFailures: null }, says: null },
  { changes: { maxFailures: { count: 0 } }, says: null },
  { changes: { maxFailures: { count: -1 } }, says: /max failures/ },
  { changes: { maxFailures: { share: 1.1 } }, says: /max failures/ },
  { changes: { account: null }, says: null },
  { changes: { account: { name: 'acme', requestsPerMinute: 60, tokensPerMinute: null } }, says: null },
  {
    changes: { account: { name: 'acme', requestsPerMinute: null, tokensPerMinute: null } },
    says: /an account must have/,
  },
  {
    changes: { account: { name: 'acme', requestsPerMinute: 0.5, tokensPerMinute: null } },
    says: /an account must have/,
  },
  {
    changes: { account: { name: '', requestsPerMinute: 60, tokensPerMinute: null } },
    says: /an account must have/,
  },
  {
    changes: { account: { name: 'x'.repeat(1001), requestsPerMinute: 60, tokensPerMinute: null } },
    says: /an account must have/,
  },
  {
    changes: { account: { name: 'acme', requestsPerMinute: 60, tokensPerMinute: null, apiKeyEnv: 'KEY' } },
    says: /an account must have/,
  },
  { changes: { maxFailures: { count: 1, share: 0.5 } }, says: /max failures/ },
  { changes: { maxFailures: 5 }, says: /max failures/ },
  { changes: { maxCostNanoUsd: '5' }, says: /cost cap/ },
  { changes: { maxCostNanoUsd: 1e300 }, says: /cost cap/ },
  { changes: { patienceMs: '0' }, says: /patience/ },
  { changes: { patienceMs: 1e15 }, says: /patience/ },
  { changes: { autoWorkers: 1 }, says: /auto workers/ },
  { changes: { apiKeyEnv: 'AWS_SECRET_ACCESS_KEY' }, says: /"apiKeyEnv" cannot be set/ },
  { changes: { prices: null }, says: /"prices" cannot be set/ },
  { changes: { requestTimeoutMs: 1 }, says: /"requestTimeoutMs" cannot be set/ },
  { changes: { maxWorkers: 1, maxAttempts: 1e9 }, says: /"maxAttempts" cannot be set/ },
  { changes: { toString: 1 }, says: /"toString" cannot be set/ },
  { changes: [5], says: /"0" cannot be set/ },
  { changes: {}, says: /nothing to set/ },
];
for (const { changes, says } of faults) {
  test(`limits ${JSON.stringify(changes).slice(0, 80)} are ${says ? 'refused' : 'taken'}`, () => {
    const fault = faultOf(changes);
    if (says) assert.match(fault ?? '', says);
    else assert.equal(fault, null);
  });
}
