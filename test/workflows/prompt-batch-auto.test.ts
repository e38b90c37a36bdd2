import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { paceSignal, setUpdate } from '../../src/workflows/messages.ts';
import {
  createGate,
  type RunningBatch,
  scriptActivities,
  startWorkflowHarness,
  succeeded,
  until,
  type WorkflowHarness,
} from '../support/workflow-harness.ts';

/** The server asks for a new execution after so few events that a handful of shards are enough. */
let harness: WorkflowHarness;
before(
  async () => (harness = await startWorkflowHarness({ 'limit.historyCount.suggestContinueAsNew': 100 })),
);
after(() => harness.stop());

const tell = ({ handle }: RunningBatch, slots: number, worker = 'one'): Promise<void> =>
  handle.signal(paceSignal, { worker, slots, reason: `${worker} says so` });
const auto = { maxWorkers: 20, autoWorkers: true };

for (const shards of [1, 5]) {
  describe(shards === 1 ? 'a small batch' : 'a batch of many shards', () => {
    test('has as many prompts in progress as its workers can put to use, and at most the ceiling', async (t) => {
      let gate = createGate();
      const letPass = (): void => {
        gate.open();
        gate = createGate();
      };
      const script = scriptActivities({
        ...{ prompts: 100, shards },
        complete: async () => {
          await gate.opened;
          return succeeded();
        },
      });
      const batch = await harness.run(t, script, { limits: auto });
      await until(() => script.running === 10);
      const first = await batch.progress();
      assert.deepEqual(
        [first.maxWorkers, first.autoWorkers?.slots, first.autoWorkers?.ceiling],
        [20, 10, 20],
      );

      await tell(batch, 14);
      await until(() => script.running === 14);
      const told = await batch.progress();
      assert.deepEqual(told.autoWorkers, { slots: 14, ceiling: 20, reason: 'one says so' });

      // Nobody but a worker should say anything; who does so from the command line shall break nothing.
      for (const word of [
        undefined,
        null,
        {},
        { worker: 'x', slots: Number.NaN, reason: '' },
        { worker: 'x', slots: -1, reason: '' },
      ])
        await batch.handle.signal('pace', word);
      assert.equal((await batch.progress()).autoWorkers?.slots, 14);

      await tell(batch, 9, 'another');
      await until(() => script.running === 20);

      await tell(batch, 2);
      await tell(batch, 1, 'another');
      await batch.until(({ autoWorkers }) => autoWorkers?.slots === 3);
      letPass();
      await until(() => script.running === 3);
      assert.equal(script.peak, 20);

      await batch.handle.executeUpdate(setUpdate, { args: [{ maxWorkers: 6, autoWorkers: false }] });
      await until(() => script.running === 6);
      assert.equal((await batch.progress()).autoWorkers, null);
      const end = batch.result();
      gate.open();
      assert.equal((await end).counts.succeeded, 100);
    });
  });
}

test('what is known of the provider goes along to another execution', async (t) => {
  const script = scriptActivities({
    ...{ prompts: 60, shards: 20 },
    complete: async () => {
      await sleep(10);
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: auto });
  await tell(batch, 3);
  await batch.until(({ autoWorkers }) => autoWorkers?.slots === 3);
  await batch.result();
  const { autoWorkers } = await batch.progress();
  const { runId } = await harness.client.workflow.getHandle(batch.handle.workflowId).describe();
  assert.notEqual(runId, batch.handle.firstExecutionRunId, 'it was one execution');
  assert.equal(autoWorkers?.slots, 3);
});
