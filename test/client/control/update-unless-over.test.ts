import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { updateUnlessOver } from '../../../src/client/control/send-update.ts';
import { UsageError } from '../../../src/client/usage-error.ts';
import { refusals } from '../../../src/core/failure-types.ts';
import type { LimitChanges } from '../../../src/core/settings.ts';
import { resumeUpdate, setUpdate } from '../../../src/workflows/messages.ts';
import {
  createGate,
  type RunningBatch,
  scriptActivities,
  startWorkflowHarness,
  succeeded,
  until,
  type WorkflowHarness,
} from '../../support/workflow-harness.ts';

let harness: WorkflowHarness;
before(async () => (harness = await startWorkflowHarness()));
after(() => harness.stop());

const by = { by: 'ann@laptop', reason: null };
const interrupt = new AbortController().signal;
const set = ({ handle }: RunningBatch, changes: LimitChanges): Promise<void> =>
  updateUnlessOver(handle, setUpdate, { args: [changes, by], updateId: randomUUID() }, { interrupt });
const resume = ({ handle }: RunningBatch, orIf: (typeof refusals.notPaused)[]): Promise<void> =>
  updateUnlessOver(handle, resumeUpdate, { args: [by], updateId: randomUUID() }, { interrupt, orIf });

test('a limit that an open batch refuses is never dropped in silence', async (t) => {
  const gate = createGate();
  const complete = async () => {
    await gate.opened;
    return succeeded();
  };
  const batch = await harness.run(t, scriptActivities({ prompts: 1, complete }));
  await batch.until(({ counts }) => counts.running === 1);
  for (const changes of [{ maxCostNanoUsd: 0 }, { maxWorkers: -1 }, { apiKeyEnv: 'AWS' } as LimitChanges])
    await assert.rejects(set(batch, changes), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, / refuses "set": (a cost cap must|max workers must|"apiKeyEnv" cannot)/);
      return true;
    });
  await set(batch, { maxWorkers: 7 });
  assert.equal((await batch.until(({ maxWorkers }) => maxWorkers === 7)).maxWorkers, 7);

  await assert.rejects(resume(batch, []), /refuses "resume": the batch is not paused$/);
  await resume(batch, [refusals.notPaused]);

  await batch.handle.cancel();
  await batch.until(({ state }) => state === 'cancelling');
  await set(batch, { maxWorkers: 3 });
  gate.open();
  await assert.rejects(batch.result());
  await set(batch, { maxWorkers: 3 });
});

test('a batch that is writing its report has no use for a limit', async (t) => {
  const gate = createGate();
  const script = scriptActivities({ prompts: 1, beforeReport: () => gate.opened });
  const batch = await harness.run(t, script);
  await until(() => script.reports.length === 1);
  await set(batch, { maxWorkers: 2 });
  gate.open();
  assert.equal((await batch.result()).counts.total, 1);
});
