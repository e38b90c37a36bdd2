import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { shardIdOf } from '../../src/core/shard-range.ts';
import {
  batchInput,
  createGate,
  scriptActivities,
  startWorkflowHarness,
  succeeded,
  until,
  type WorkflowHarness,
} from '../support/workflow-harness.ts';

let harness: WorkflowHarness;
before(async () => (harness = await startWorkflowHarness()));
after(() => harness.stop());

const garbage = [[], [0], [0, null], [0, { execution: 1 }], [{ version: 99 }], ['x', { tally: {} }]];

test('signals that are not what they should be change nothing, in the batch and in a shard', async (t) => {
  const gate = createGate();
  const script = scriptActivities({
    prompts: 8,
    shards: 4,
    complete: async () => {
      await gate.opened;
      return succeeded();
    },
  });
  const batch = await harness.run(t, script, { limits: { maxWorkers: 4 } });
  await until(() => script.running === 4);
  const { workflowId } = batch.handle;
  const shard = harness.client.workflow.getHandle(shardIdOf(batchInput(workflowId, script.script), 0));
  for (const args of garbage) {
    for (const name of ['account', 'pace', 'knock', 'unknown']) await batch.handle.signal(name, ...args);
    await shard.signal('loan', ...args);
  }
  await assert.rejects(batch.handle.executeUpdate('set'), (error: Error) =>
    /there is nothing to set/.test(String((error.cause as Error | undefined)?.message)),
  );
  gate.open();
  const outcome = await batch.result();
  assert.deepEqual([outcome.state, outcome.counts.succeeded, script.tasks.length], ['succeeded', 8, 8]);
});
