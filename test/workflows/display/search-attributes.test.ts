import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { resumeUpdate } from '../../../src/workflows/messages.ts';
import { firstAttributes, presentAttributes } from '../../../src/workflows/display/search-attributes.ts';
import {
  batchInput,
  failed,
  finalFailure,
  PAID,
  type RunningBatch,
  scriptActivities,
  startWorkflowHarness,
  succeeded,
  type WorkflowHarness,
} from '../../support/workflow-harness.ts';
import { sampleProgress } from '../sample-progress.ts';

let harness: WorkflowHarness;
before(async () => (harness = await startWorkflowHarness()));
after(() => harness.stop());

const valuesOf = (pairs: { key: { name: string }; value: unknown }[]): Record<string, unknown> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key.name, value]));

async function noted({ handle }: RunningBatch): Promise<Record<string, unknown>> {
  const { typedSearchAttributes } = await handle.describe();
  const own = typedSearchAttributes.getAll().filter(({ key }) => key.name.startsWith('Batch'));
  return valuesOf(own);
}

async function upserts({ handle }: RunningBatch): Promise<number> {
  const { events } = await handle.fetchHistory();
  return events!.filter(({ upsertWorkflowSearchAttributesEventAttributes: upsert }) => upsert).length;
}

const oneBlocked = () =>
  scriptActivities({
    prompts: 4,
    complete: ({ index, turn }) => {
      if (index === 2 && turn === 1) throw finalFailure('Completion.AccountBlocked', 'no balance');
      return index === 1 ? failed('no such parameter') : succeeded();
    },
  });

test('a batch is noted under its state, cost and failures at each transition, by few events', async (t) => {
  const limits = { maxWorkers: 1 };
  const batch = await harness.run(t, oneBlocked(), { limits, hasSearchAttributes: true });
  await batch.until(({ state, counts }) => state === 'paused' && counts.running === 0);
  const costUsd = PAID.costNanoUsd! / 1e9;
  assert.deepEqual(await noted(batch), { BatchState: 'paused', BatchCostUsd: costUsd, BatchFailed: 1 });

  await batch.handle.executeUpdate(resumeUpdate, { args: [null] });
  const { counts, paid } = await batch.result();
  assert.deepEqual(await noted(batch), {
    BatchState: 'partly_failed',
    BatchCostUsd: paid.costNanoUsd! / 1e9,
    BatchFailed: counts.failed,
  });
  // At its start, paused, resumed, ended.
  assert.equal(await upserts(batch), 4);
});

test('where the server has no such attributes, none are noted', async (t) => {
  const batch = await harness.run(t, scriptActivities({ prompts: 1 }));
  await batch.result();
  assert.deepEqual(await noted(batch), {});
  assert.equal(await upserts(batch), 0);
});

test('a run begins under its state, provider and model', () => {
  const pause = { reason: 'budget', message: 'the cap', since: '2026-01-01T00:00:00.000Z' } as const;
  const batch = batchInput('sample', { prompts: 1 }, { pause });
  assert.deepEqual(valuesOf(firstAttributes(batch)), {
    BatchState: 'paused',
    BatchProvider: 'openai-compatible',
    BatchModel: 'test-model',
    BatchCostUsd: 0,
    BatchFailed: 0,
  });
  assert.equal(valuesOf(firstAttributes(batchInput('sample', { prompts: 1 })))['BatchState'], 'running');
});

test('a cost that is not known is not noted', () => {
  const paid = { ...sampleProgress.paid, costNanoUsd: null };
  assert.equal(valuesOf(presentAttributes({ ...sampleProgress, paid }))['BatchCostUsd'], null);
});
