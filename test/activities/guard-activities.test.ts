import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { guardActivities } from '../../src/activities/guard-activities.ts';
import type { Activities } from '../../src/activities/index.ts';
import { createRecordLimits, createRecordPause } from '../../src/activities/record-controls.ts';
import { BatchStore } from '../../src/store/batch-store.ts';
import { cancelledOutcome } from '../report/support/report-fixtures.ts';
import { limits } from '../providers/settings.ts';
import { makeBatch } from '../store/support/batches.ts';
import { toldTemporal } from './support/prompt-desk.ts';

const run = { run: 1, started_at: '2026-01-01T00:00:00.000Z', limits };
const at = '2026-01-01T00:00:00.000Z';
const task = { batchId: 'b', run: 1, turn: 1, shard: 0, index: 0, promptId: 'a', allowanceNanoUsd: null };
const control = { id: 'u', control: 'pause', at, by: 'ann@laptop', reason: null };
const pause = { reason: 'operator', message: 'lunch', since: at };
const report = { batchId: 'b', run: 1, state: 'succeeded', endedAt: at };
const addition = { stage: '.addition-0', sha256: 'f'.repeat(64) };
const form = /its argument is not of its form/;
const ofRun = { batchId: 'b', run: 1 };

interface Case {
  title: string;
  name: keyof Activities;
  request: unknown;
  /** Id of the workflow that asks. Default: the batch. */
  asks?: string;
  ended?: boolean;
  /** Absent: it is done. */
  refused?: RegExp;
}
const cases: Case[] = [
  { title: 'a prompt', name: 'completePrompt', request: task },
  { title: 'a prompt of an older version', name: 'completePrompt', request: { ...task, limits } },
  { title: 'a prompt for its shard', name: 'completePrompt', request: task, asks: 'b:1-2' },
  {
    title: 'a prompt for another shard',
    name: 'completePrompt',
    request: task,
    asks: 'b:3-4',
    refused: /no workflow/,
  },
  {
    title: 'a prompt for a stranger',
    name: 'completePrompt',
    request: task,
    asks: 'x',
    refused: /no workflow/,
  },
  {
    title: 'of another batch',
    name: 'completePrompt',
    request: { ...task, batchId: 'c' },
    refused: /not for b/,
  },
  {
    title: 'of an unknown run',
    name: 'completePrompt',
    request: { ...task, run: 9 },
    refused: /has no run 9/,
  },
  { title: 'of no shard', name: 'completePrompt', request: { ...task, shard: 7 }, refused: /no shard 7/ },
  {
    title: 'outside its shard',
    name: 'completePrompt',
    request: { ...task, index: 2 },
    refused: /no prompt 3/,
  },
  { title: 'a turn 0', name: 'completePrompt', request: { ...task, turn: 0 }, refused: form },
  { title: 'no task', name: 'completePrompt', request: null, refused: form },
  {
    title: 'an endless allowance',
    name: 'completePrompt',
    request: { ...task, allowanceNanoUsd: 1e300 },
    refused: form,
  },
  { title: 'a shard', name: 'readShard', request: { ...ofRun, shard: 1 }, asks: 'b:3-4' },
  { title: 'a path', name: 'readShard', request: { ...ofRun, shard: '../x' }, refused: form },
  {
    title: 'a shard there is not',
    name: 'readShard',
    request: { ...ofRun, shard: 2 },
    refused: /no shard 2/,
  },
  { title: 'all shards', name: 'surveyShards', request: ofRun },
  {
    title: 'all shards, for one of them',
    name: 'surveyShards',
    request: ofRun,
    asks: 'b:1-2',
    refused: /no workflow/,
  },
  { title: 'limits', name: 'recordLimits', request: { batchId: 'b', changes: { maxWorkers: 3 }, control } },
  {
    title: 'a key variable',
    name: 'recordLimits',
    request: { batchId: 'b', changes: { apiKeyEnv: 'AWS' }, control },
    refused: form,
  },
  {
    title: 'a foreign field',
    name: 'recordLimits',
    request: { batchId: 'b', changes: { settings: {} }, control },
    refused: form,
  },
  {
    title: 'a long asker',
    name: 'recordLimits',
    request: { batchId: 'b', changes: { maxWorkers: 3 }, control: { ...control, by: 'x'.repeat(1001) } },
    refused: form,
  },
  {
    title: 'limits of an ended batch',
    name: 'recordLimits',
    request: { batchId: 'b', changes: { maxWorkers: 3 }, control },
    ended: true,
    refused: /has ended/,
  },
  { title: 'a pause', name: 'recordPause', request: { ...ofRun, pause, ended: [], control } },
  {
    title: 'the end of a pause, by the batch itself',
    name: 'recordPause',
    request: { ...ofRun, pause: null, ended: [] },
  },
  {
    title: 'a pause for an unknown reason',
    name: 'recordPause',
    request: { ...ofRun, pause: { ...pause, reason: 'x' }, ended: [] },
    refused: form,
  },
  {
    title: 'a long pause text',
    name: 'recordPause',
    request: { ...ofRun, pause: { ...pause, message: 'x'.repeat(10_001) }, ended: [] },
    refused: form,
  },
  ...[
    { since: '2026-99-99T99:99:99Z' },
    { by: 'x'.repeat(1001) },
    { neededNanoUsd: -1 },
    { overcharged: false },
  ].map((changes): Case => ({
    title: `a pause with ${JSON.stringify(changes).slice(0, 40)}`,
    name: 'recordPause',
    request: { ...ofRun, pause: { ...pause, ...changes }, ended: [] },
    refused: form,
  })),
  {
    title: 'a pause that ended at no time',
    name: 'recordPause',
    request: { ...ofRun, pause: null, ended: [{ since: at, until: '2026-13-01T00:00:00Z' }] },
    refused: form,
  },
  {
    title: 'a pause of an unknown run',
    name: 'recordPause',
    request: { batchId: 'b', run: 2, pause: null, ended: [] },
    refused: /no run 2/,
  },
  { title: 'prompts', name: 'admitPrompts', request: { batchId: 'b', addition, control } },
  {
    title: 'prompts without who asks',
    name: 'admitPrompts',
    request: { batchId: 'b', addition },
    refused: form,
  },
  { title: 'a report', name: 'writeReport', request: report },
  {
    title: 'a report of an ended run, which names the first',
    name: 'writeReport',
    request: report,
    ended: true,
  },
  {
    title: 'a report of another state',
    name: 'writeReport',
    request: { ...report, state: 'running' },
    refused: form,
  },
  {
    title: 'a report with an end that is no time',
    name: 'writeReport',
    request: { ...report, endedAt: 'noon' },
    refused: form,
  },
];

const names: (keyof Activities)[] = [
  ...([
    'admitPrompts',
    'completePrompt',
    'readShard',
    'recordLimits',
    'recordPause',
    'surveyShards',
  ] as const),
  'writeReport',
];

for (const { title, name, request, asks = 'b', ended = false, refused } of cases) {
  test(`${name}: ${title} is ${refused ? 'refused' : 'done'}`, async (t) => {
    const outcome = cancelledOutcome;
    const items = ['a', 'b', 'c', 'd'].map((id) => ({ prompt_id: id, prompt: id }));
    const store = await makeBatch(t, items, {
      ...{ batch_id: 'b', shardSize: 2, runs: [{ ...run, ...(ended && { outcome }) }] },
    });
    const done: string[] = [];
    const unguarded = Object.fromEntries(names.map((each) => [each, async () => void done.push(each)]));
    const activities = guardActivities(unguarded as unknown as Activities, store);
    const activity = new MockActivityEnvironment(
      { workflowExecution: { workflowId: asks, runId: 'r' } },
      { logger: new DefaultLogger('ERROR') },
    );
    const asked = activity.run(activities[name] as (given: unknown) => Promise<unknown>, request);
    if (!refused) {
      await asked;
      assert.deepEqual(done, [name]);
      return;
    }
    await assert.rejects(asked, (error) => {
      const { message, nonRetryable } = toldTemporal(error);
      assert.match(message, refused);
      return nonRetryable;
    });
    assert.deepEqual(done, []);
  });
}

const longest = 'x'.repeat(1000);
const wholeControl = { ...control, id: longest, by: longest, reason: longest };
const largest: [name: 'recordLimits' | 'recordPause', request: Record<string, unknown>][] = [
  ...[
    { maxWorkers: 5000 },
    { maxWorkers: 1 },
    { autoWorkers: true },
    { maxCostNanoUsd: Number.MAX_SAFE_INTEGER },
    { maxCostNanoUsd: null },
    { patienceMs: 24 * 24 * 3_600_000 },
    { maxFailures: { count: Number.MAX_SAFE_INTEGER } },
    { maxFailures: { share: 1 } },
    {
      account: { name: longest, requestsPerMinute: null, tokensPerMinute: Number.MAX_SAFE_INTEGER, setAt: 0 },
    },
    { account: null },
  ].map((changes): [name: 'recordLimits', request: Record<string, unknown>] => [
    'recordLimits',
    { batchId: 'b', changes, control: { ...wholeControl, changes } },
  ]),
  ...[
    { message: 'x'.repeat(10_000) },
    { by: longest },
    { since: '2026-12-31T23:59:59.1234567890123456789Z' },
    { neededNanoUsd: Number.MAX_VALUE },
    { neededNanoUsd: 0 },
    { overcharged: true },
  ].map((changes): [name: 'recordPause', request: Record<string, unknown>] => [
    'recordPause',
    { ...ofRun, pause: { ...pause, ...changes }, ended: [], control: wholeControl },
  ]),
  [
    'recordPause',
    {
      ...{ ...ofRun, pause: null },
      ended: Array.from({ length: 10_000 }, (_, n) => ({ since: new Date(n).toISOString(), until: at })),
    },
  ],
];

for (const [name, request] of largest) {
  test(`${name}: a batch can be read after ${JSON.stringify(request['changes'] ?? request['pause']).slice(0, 100)}`, async (t) => {
    const store = await makeBatch(t, [{ prompt_id: 'a', prompt: 'a' }], { batch_id: 'b', runs: [run] });
    const activities = guardActivities(
      {
        recordLimits: createRecordLimits({ store }),
        recordPause: createRecordPause({ store }),
      } as Activities,
      store,
    );
    const activity = new MockActivityEnvironment({ workflowExecution: { workflowId: 'b', runId: 'r' } });
    await activity.run(activities[name] as (given: unknown) => Promise<void>, request);
    const { revision } = await new BatchStore(store.location, 'b', 'reader').readManifest();
    assert.equal(revision, 2);
  });
}
