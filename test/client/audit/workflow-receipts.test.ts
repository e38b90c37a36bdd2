import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Histories } from '../../../src/client/audit/histories.ts';
import { readWorkflowRecords } from '../../../src/client/audit/workflow-receipts.ts';
import {
  activity,
  completed,
  continuedAsNew,
  handWrittenHistories,
  prompt,
  receipt,
  shardStarted,
  started,
  terminated,
  UUID,
} from './support/hand-written-histories.ts';

const batch = { batchId: 'b', location: { kind: 'local', outputDir: '/', uuid: UUID } } as const;
const recordsOf = (histories: Histories) => readWorkflowRecords(histories, batch);
const outcome = { state: 'succeeded' };

/** Positions of prompts, and the answers that their receipts name, by run. */
async function shardOf(histories: Histories, shard: number) {
  const { receipts, completeRuns, missing } = await (await recordsOf(histories)).ofShard(shard);
  return {
    receipts: Object.fromEntries(
      [...receipts].map(([index, list]) => [
        index,
        list.map(({ run, answers }) => `${run}:${answers.join()}`),
      ]),
    ),
    completeRuns: [...completeRuns],
    missing,
  };
}

test('receipts are the results of completions, by prompt; an unsettled prompt has none', async () => {
  const histories = handWrittenHistories({
    'b/r1': [
      started(2),
      ...activity(5, 'readShard', { index: 0, shard: 0 }, { open: [] }),
      ...prompt(10, 2, 0, 'a'),
      ...activity(20, 'completePrompt', { index: 1, shard: 0, run: 2 }, { status: 'unsettled' }),
      ...prompt(30, 2, 500, 'c'),
      completed(outcome),
    ],
  });
  const records = await recordsOf(histories);
  assert.deepEqual(records.runs, [{ run: 2, outcome, whole: true }]);
  assert.equal(records.shards, 2);
  const first = await records.ofShard(0);
  assert.deepEqual([...first.receipts], [[0, [{ ...receipt('a'), run: 2 }]]]);
  assert.deepEqual(await shardOf(histories, 1), {
    receipts: { 500: ['2:c'] },
    completeRuns: [2],
    missing: 0,
  });
});

test('a batch of the same id in another store is none of ours', async () => {
  const histories = handWrittenHistories({
    'b/r1': [started(1, { uuid: 'theirs' }), ...prompt(5, 1, 0, 'a'), completed(outcome)],
  });
  const { runs, shards } = await recordsOf(histories);
  assert.deepEqual([runs, shards], [[], 0]);
});

test('a workflow of the same id that is none of ours is left alone', async () => {
  const foreign = { eventId: 1, workflowExecutionStartedEventAttributes: { input: null } };
  assert.deepEqual((await recordsOf(handWrittenHistories({ 'b/r1': [foreign] }))).runs, []);
});

const sharded = {
  'b/r1': [
    started(1),
    ...shardStarted(5, 0, 'b:1-500', 's0'),
    ...shardStarted(7, 1, 'b:501-1000', 's1'),
    completed(outcome),
  ],
  'b:1-500/s0': [started(1), ...prompt(5, 1, 0, 'a'), ...prompt(9, 1, 1, 'b'), completed({})],
  'b:501-1000/s1': [started(1), ...prompt(5, 1, 500, 'c'), completed({})],
};

test('receipts of shards are in their own workflows, which are read one shard at a time', async () => {
  const histories = handWrittenHistories(sharded);
  const records = await recordsOf(histories);
  assert.deepEqual([records.runs, records.shards], [[{ run: 1, outcome, whole: true }], 2]);
  assert.deepEqual(histories.read, ['b/r1']);
  await records.ofShard(1);
  assert.deepEqual(histories.read, ['b/r1', 'b:501-1000/s1']);
  const { receipts, completeRuns, missing } = await shardOf(histories, 0);
  assert.deepEqual(receipts, { 0: ['1:a'], 1: ['1:b'] });
  assert.deepEqual([completeRuns, missing], [[1], 0]);
});

test('executions that a run was continued by belong to it, listed or not; its outcome is in the last one', async () => {
  const histories = handWrittenHistories(
    {
      ...sharded,
      'b/r1': [started(1), ...shardStarted(5, 0, 'b:1-500', 's0'), continuedAsNew('r2')],
      'b/r2': [
        started(1, { continues: 'r1' }),
        ...shardStarted(5, 1, 'b:501-1000', 's1'),
        completed(outcome),
      ],
    },
    { unlisted: ['b/r2'] },
  );
  const { runs, shards } = await recordsOf(histories);
  assert.deepEqual([runs, shards], [[{ run: 1, outcome, whole: true }], 2]);
  assert.deepEqual((await shardOf(histories, 0)).completeRuns, [1]);
  assert.deepEqual((await shardOf(histories, 1)).receipts, { 500: ['1:c'] });
});

test('a run of which an execution is gone is not whole, and no receipt is missed in it', async () => {
  const histories = handWrittenHistories({
    'b/r2': [started(1, { continues: 'r1' }), ...shardStarted(5, 1, 'b:501-1000', 's1'), completed(outcome)],
    'b:501-1000/s1': sharded['b:501-1000/s1'],
  });
  assert.deepEqual((await recordsOf(histories)).runs, [{ run: 1, outcome, whole: false }]);
  assert.deepEqual(await shardOf(histories, 1), { receipts: { 500: ['1:c'] }, completeRuns: [], missing: 0 });
});

for (const [title, gone] of [
  ['gone', { ...sharded, 'b:1-500/s0': undefined }],
  ['deleted while it is read', sharded],
] as const) {
  test(`a shard workflow that is ${title} is counted as missing, and no receipt is missed in it`, async () => {
    const { 'b:1-500/s0': first, ...rest } = gone;
    const executions = first ? { ...rest, 'b:1-500/s0': first } : rest;
    const histories = handWrittenHistories(executions, { gone: ['b:1-500/s0'] });
    assert.deepEqual(await shardOf(histories, 0), { receipts: {}, completeRuns: [], missing: 1 });
    assert.deepEqual((await shardOf(histories, 1)).completeRuns, [1]);
  });
}

test('a shard that died and was started again: receipts of both, and none is missed', async () => {
  const histories = handWrittenHistories({
    'b/r1': [
      started(1),
      ...shardStarted(5, 0, 'b:1-500', 's0'),
      ...shardStarted(7, 0, 'b:1-500', 's0-again'),
      completed(outcome),
    ],
    'b:1-500/s0': [started(1), ...prompt(5, 1, 0, 'a'), terminated],
    'b:1-500/s0-again': [started(1), ...prompt(5, 1, 1, 'b'), completed({})],
  });
  assert.deepEqual(await shardOf(histories, 0), {
    receipts: { 0: ['1:a'], 1: ['1:b'] },
    completeRuns: [],
    missing: 0,
  });
});

test('each run of a batch has shard workflows of its own', async () => {
  const histories = handWrittenHistories({
    ...sharded,
    'b/r1': [...sharded['b/r1'].slice(0, -1), terminated],
    'b/r2': [started(2), ...shardStarted(5, 1, 'b:501-1000', 's1-2'), completed(outcome)],
    'b:501-1000/s1-2': [started(2), ...prompt(5, 2, 501, 'd'), completed({})],
  });
  assert.deepEqual((await recordsOf(histories)).runs, [
    { run: 1, outcome: null, whole: true },
    { run: 2, outcome, whole: true },
  ]);
  assert.deepEqual(await shardOf(histories, 1), {
    receipts: { 500: ['1:c'], 501: ['2:d'] },
    completeRuns: [2],
    missing: 0,
  });
});
