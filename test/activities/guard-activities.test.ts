import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { guardActivities } from '../../src/activities/guard-activities.ts';
import type { Activities } from '../../src/activities/index.ts';
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
const form = /its arguments are not of its form/;

interface Case {
  title: string;
  name: keyof Activities;
  args: readonly unknown[];
  /** Id of the workflow that asks. Default: the batch. */
  asks?: string;
  ended?: boolean;
  /** Absent: it is done. */
  refused?: RegExp;
}
const cases: Case[] = [
  { title: 'a prompt', name: 'completePrompt', args: [task] },
  { title: 'a prompt of an older version', name: 'completePrompt', args: [{ ...task, limits }] },
  { title: 'a prompt for its shard', name: 'completePrompt', args: [task], asks: 'b:1-2' },
  {
    title: 'a prompt for another shard',
    name: 'completePrompt',
    args: [task],
    asks: 'b:3-4',
    refused: /no workflow/,
  },
  {
    title: 'a prompt for a stranger',
    name: 'completePrompt',
    args: [task],
    asks: 'x',
    refused: /no workflow/,
  },
  {
    title: 'of another batch',
    name: 'completePrompt',
    args: [{ ...task, batchId: 'c' }],
    refused: /not for b/,
  },
  {
    title: 'of an unknown run',
    name: 'completePrompt',
    args: [{ ...task, run: 9 }],
    refused: /has no run 9/,
  },
  { title: 'of no shard', name: 'completePrompt', args: [{ ...task, shard: 7 }], refused: /no shard 7/ },
  {
    title: 'outside its shard',
    name: 'completePrompt',
    args: [{ ...task, index: 2 }],
    refused: /no prompt 3/,
  },
  { title: 'a turn 0', name: 'completePrompt', args: [{ ...task, turn: 0 }], refused: form },
  { title: 'no task', name: 'completePrompt', args: [null], refused: form },
  {
    title: 'an endless allowance',
    name: 'completePrompt',
    args: [{ ...task, allowanceNanoUsd: 1e300 }],
    refused: form,
  },
  { title: 'a shard', name: 'readShard', args: ['b', 1, 1], asks: 'b:3-4' },
  { title: 'a path', name: 'readShard', args: ['b', '../x', 1], refused: form },
  { title: 'a shard there is not', name: 'readShard', args: ['b', 2, 1], refused: /no shard 2/ },
  { title: 'all shards', name: 'surveyShards', args: ['b', 1] },
  {
    title: 'all shards, for one of them',
    name: 'surveyShards',
    args: ['b', 1],
    asks: 'b:1-2',
    refused: /no workflow/,
  },
  { title: 'limits', name: 'recordLimits', args: ['b', { maxWorkers: 3 }, control] },
  { title: 'a key variable', name: 'recordLimits', args: ['b', { apiKeyEnv: 'AWS' }], refused: form },
  { title: 'a foreign field', name: 'recordLimits', args: ['b', { settings: {} }], refused: form },
  {
    title: 'a long asker',
    name: 'recordLimits',
    args: ['b', { maxWorkers: 3 }, { ...control, by: 'x'.repeat(1001) }],
    refused: form,
  },
  {
    title: 'limits of an ended batch',
    name: 'recordLimits',
    args: ['b', { maxWorkers: 3 }],
    ended: true,
    refused: /has ended/,
  },
  { title: 'a pause', name: 'recordPause', args: ['b', pause, control, { run: 1, ended: [] }] },
  { title: 'a resume of version 0.1.0', name: 'recordPause', args: ['b', null] },
  {
    title: 'a pause for an unknown reason',
    name: 'recordPause',
    args: ['b', { ...pause, reason: 'x' }],
    refused: form,
  },
  {
    title: 'a long pause text',
    name: 'recordPause',
    args: ['b', { ...pause, message: 'x'.repeat(10_001) }],
    refused: form,
  },
  {
    title: 'a pause of an unknown run',
    name: 'recordPause',
    args: ['b', null, null, { run: 2, ended: [] }],
    refused: /no run 2/,
  },
  { title: 'prompts', name: 'admitPrompts', args: ['b', addition, control] },
  { title: 'prompts without who asks', name: 'admitPrompts', args: ['b', addition], refused: form },
  { title: 'a report', name: 'writeReport', args: [report] },
  {
    title: 'a report of an ended run, which names the first',
    name: 'writeReport',
    args: [report],
    ended: true,
  },
  {
    title: 'a report of another state',
    name: 'writeReport',
    args: [{ ...report, state: 'running' }],
    refused: form,
  },
  {
    title: 'a report with an end that is no time',
    name: 'writeReport',
    args: [{ ...report, endedAt: 'noon' }],
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

for (const { title, name, args, asks = 'b', ended = false, refused } of cases) {
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
    const asked = activity.run(activities[name] as (...given: unknown[]) => Promise<unknown>, ...args);
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
