import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSurveyShards } from '../../src/activities/survey-shards.ts';
import type { BatchSurvey } from '../../src/core/prompt-task.ts';
import type { PromptItem } from '../../src/core/prompt.ts';
import { NOTHING_PAID } from '../../src/store/ledger/prompt-state.ts';
import { makeBatch } from '../store/support/batches.ts';
import { answer, settled, start, usage } from '../store/support/records.ts';
import { mockActivity } from './support/prompt-desk.ts';

const items: PromptItem[] = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ prompt_id: id, prompt: 'SECRET' }));

test('a survey names the shards with prompts left, and sums up earlier runs', async (t) => {
  const store = await makeBatch(t, items, { shardSize: 2 });
  const surveyShards = createSurveyShards({ store });
  const survey = (run: number): Promise<BatchSurvey> =>
    mockActivity().run(surveyShards, { batchId: store.batchId, run });
  assert.deepEqual(await survey(1), {
    open: [0, 1, 2],
    before: { succeeded: 0, failed: 0, failuresByType: {}, paid: NOTHING_PAID, spentNanoUsd: 0 },
  });

  await store.withShard(1, async ({ writer }) => {
    for (const index of [2, 3]) {
      const id = `${index}`;
      await writer.append(start(`s${id}`, { index }), { durable: true });
      await writer.append(answer(`x${id}`, { index, start: `s${id}` }), { durable: true });
      const error = { type: 'Completion.Truncated', message: 'cut off', attempts: 1 } as const;
      const end = index === 2 ? { answers: [`x${id}`] } : { status: 'failed' as const, answers: [], error };
      await writer.append(settled(`e${id}`, { index, ...end }), { durable: true });
    }
  });
  await store.withShard(2, ({ writer }) => writer.append(answer('half', { index: 4 }), { durable: true }));
  assert.deepEqual((await survey(1)).open, [0, 2], 'what this run has done counts as done');
  const { succeeded, failed } = (await survey(1)).before;
  assert.deepEqual([succeeded, failed], [1, 1], 'of a shard that nobody will be asked for');
  assert.deepEqual((await survey(1)).spentInRun, { 2: 7 }, 'of an open one what this run has spent');
  const next = await survey(2);
  assert.deepEqual(next.open, [0, 2]);
  assert.equal(next.spentInRun, undefined);
  assert.deepEqual(next.before, {
    succeeded: 1,
    failed: 1,
    failuresByType: { 'Completion.Truncated': 1 },
    paid: {
      usage: Object.fromEntries(Object.entries(usage).map(([name, count]) => [name, 2 * count])),
      costNanoUsd: 14,
    },
    // The open prompt's answer has cost something too.
    spentNanoUsd: 21,
  });
  assert.equal(JSON.stringify(next).includes('SECRET'), false, 'a text crosses Temporal');
});
