import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createReadShard } from '../../src/activities/read-shard.ts';
import { createSurveyShards } from '../../src/activities/survey-shards.ts';
import type { BatchSurvey, ShardPlan } from '../../src/core/prompt-task.ts';
import type { PromptItem } from '../../src/core/prompt.ts';
import { NOTHING_PAID } from '../../src/store/ledger/prompt-state.ts';
import { makeBatch } from '../store/support/batches.ts';
import { answer, fault, settled, start, usage } from '../store/support/records.ts';
import { batchBeside, buy, earlierBatch, planAnswers } from '../client/support/reuse-batches.ts';
import { mockActivity, toldTemporal } from './support/prompt-desk.ts';

const items: PromptItem[] = [
  { prompt_id: 'a', prompt: 'SECRET' },
  { prompt_id: 'b', prompt: 'SECRET', completions: 5 },
  { prompt_id: 'c', prompt: 'SECRET' },
];

const nothing = { succeeded: 0, failed: 0, failuresByType: {}, paid: NOTHING_PAID, spentNanoUsd: 0 };

const prices = () => ({
  cost: () => ({ costNanoUsd: 7, cacheSavingNanoUsd: 0, price: null }),
  worstCost: () => 100,
});

test('a shard’s plan has what is open, and sums of what this run and those before it settled and spent', async (t) => {
  const store = await makeBatch(t, items, { shardSize: 2 });
  const readShard = createReadShard({ store, prices, now: () => new Date() });
  const { writer } = await store.openShard(0);
  for (const record of [start('s'), answer('x'), settled('e', { answers: ['x'] })]) {
    await writer.append(record, { durable: true });
  }
  await writer.append(answer('half', { index: 1 }), { durable: true });
  const plan = await mockActivity().run(readShard, { batchId: store.batchId, run: 1, shard: 0 });
  assert.deepEqual(plan, {
    open: [{ index: 1, id: 'b', completions: 5, spentNanoUsd: 7, worstCostNanoUsd: 400, lastTurn: 1 }],
    before: nothing,
    // The start has no end on record: it may have been paid too; and the open prompt has cost something.
    inRun: {
      succeeded: 1,
      failed: 0,
      failuresByType: {},
      paid: { usage, costNanoUsd: 7 },
      spentNanoUsd: 114,
    },
  });
  const inNextRun: ShardPlan = await mockActivity().run(readShard, {
    batchId: store.batchId,
    run: 2,
    shard: 0,
  });
  assert.deepEqual([inNextRun.before, inNextRun.inRun], [plan.inRun, nothing]);
  const next: ShardPlan = await mockActivity().run(readShard, { batchId: store.batchId, run: 1, shard: 1 });
  assert.deepEqual(next.open, [
    { index: 2, id: 'c', completions: 2, spentNanoUsd: 0, worstCostNanoUsd: 200 },
  ]);
  assert.equal(JSON.stringify(plan).includes('SECRET'), false, 'a text crosses Temporal');
});

test('an open prompt brings the last turn that this run has had of it, whatever record tells of it', async (t) => {
  const store = await makeBatch(t, items);
  const { writer } = await store.openShard(0);
  const records = [
    start('s', { run: 1, turn: 9 }),
    start('t', { run: 2, turn: 1, index: 1 }),
    fault('f', { run: 2, turn: 3, index: 1 }),
    start('u', { run: 2, turn: 2, index: 1 }),
    answer('x', { run: 2, turn: 0, index: 2 }),
  ];
  for (const record of records) await writer.append(record, { durable: true });
  const readShard = createReadShard({ store, prices, now: () => new Date() });
  const { open }: ShardPlan = await mockActivity().run(readShard, {
    batchId: store.batchId,
    run: 2,
    shard: 0,
  });
  assert.deepEqual(
    open.map(({ index, lastTurn }) => [index, lastTurn]),
    [
      [0, undefined],
      [1, 3],
      [2, undefined],
    ],
  );
});

test('an answer of unknown cost does not hide what the others of its shard have cost', async (t) => {
  const store = await makeBatch(t, items, { shardSize: 2 });
  const { writer } = await store.openShard(0);
  const dear = { index: 0, costNanoUsd: 4_000_000_000 };
  for (const record of [start('s'), answer('x', { ...dear, start: 's' }), settled('e', { answers: ['x'] })])
    await writer.append(record, { durable: true });
  const uncounted = start('u', { index: 1, worstCostNanoUsd: 70 });
  for (const record of [uncounted, answer('y', { index: 1, start: 'u', usage: null, costNanoUsd: null })])
    await writer.append(record, { durable: true });
  const readShard = createReadShard({ store, prices, now: () => new Date() });
  const { before }: ShardPlan = await mockActivity().run(readShard, {
    batchId: store.batchId,
    run: 2,
    shard: 0,
  });
  assert.equal(before.spentNanoUsd, 4_000_000_070);
  const surveyShards = createSurveyShards({ store });
  const survey: BatchSurvey = await mockActivity().run(surveyShards, { batchId: store.batchId, run: 2 });
  assert.equal(survey.before.spentNanoUsd, 4_000_000_070);
});

test('what is planned to be reused costs nothing; what cannot be read any more is bought, and said', async (t) => {
  const asked = ['one', 'two', 'three'].map((prompt) => ({ prompt_id: prompt, prompt }));
  const source = await earlierBatch(t, 'a', [asked[0]!]);
  const gone = await batchBeside(source, 'b', [asked[2]!]);
  await buy(gone, 'b', 1);
  await gone.close();
  const store = await batchBeside(source, 'new', asked);
  t.after(() => store.close());
  assert.equal(await planAnswers(store, 'folder'), 4);
  await rm(gone.folder, { recursive: true });
  const notes: string[] = [];
  const note = (line: string) => void notes.push(line);
  const readShard = createReadShard({ store, prices, now: () => new Date(), note });
  const { open, before, inRun }: ShardPlan = await mockActivity().run(readShard, {
    batchId: store.batchId,
    run: 1,
    shard: 0,
  });
  assert.deepEqual(
    open.map(({ index, worstCostNanoUsd, spentNanoUsd }) => [index, worstCostNanoUsd, spentNanoUsd]),
    [
      [0, 0, 0],
      [1, 200, 0],
      [2, 200, 0],
    ],
  );
  assert.deepEqual([before, inRun], [nothing, nothing]);
  assert.match(
    notes.join(),
    /^2 completions to be reused from b can no longer be read and will be bought instead: ENOENT/,
  );
});

test('a foreign ledger file stops the batch, by name', async (t) => {
  const store = await makeBatch(t, items);
  const { writer } = await store.openShard(0);
  await writer.append(start('s'), { durable: true });
  const file = join(store.folder, 'ledger', '00000', 'foreign.jsonl');
  await writeFile(file, 'hello\nhello\n');
  await assert.rejects(
    mockActivity().run(createReadShard({ store, prices, now: () => new Date() }), {
      batchId: store.batchId,
      run: 1,
      shard: 0,
    }),
    (error) => {
      const told = toldTemporal(error);
      assert.deepEqual([told.type, told.nonRetryable], ['Storage.Failed', true]);
      assert.ok(told.message.startsWith(`${file}: line 1: it is not JSON`), told.message);
      return true;
    },
  );
});
