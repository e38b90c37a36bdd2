/** What somebody who reaches the Temporal server's port, and not the batch's folder, gets of the purse. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { Client, Connection, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { taskQueueOf, taskQueuePrefixOf } from '../../src/core/batch-layout.ts';
import type { BatchInput } from '../../src/core/batch-input.ts';
import type { PromptTask } from '../../src/core/prompt-task.ts';
import type { Manifest } from '../../src/store/manifest/manifest.ts';
import { createGate, createWorkplace, promptTexts, statusWhen, type Workplace } from '../e2e/workplace.ts';
import type { FakeRequest } from '../support/fake-provider.ts';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';
import { firstOf, until } from '../support/until.ts';

const foreignKey = 'secret+of+another+program';
const forgedLimits = { apiKeyEnv: 'AWS_SECRET_ACCESS_KEY', maxCostNanoUsd: null, maxWorkers: 10 };

let server: TestServer;
let client: Client;
before(async () => {
  server = await startTestServer();
  client = new Client({ connection: await Connection.connect({ address: server.address }) });
});
after(async () => {
  await client.connection.close();
  await server.stop();
});

interface Victim {
  place: Workplace;
  requests: FakeRequest[];
  open(): void;
  manifest(): Promise<Manifest>;
  input(): Promise<BatchInput>;
}

/** A batch of three prompts on which a worker works, the first of them at the provider. */
async function victimOf(t: TestContext, id: string): Promise<Victim> {
  const gate = createGate();
  const requests: FakeRequest[] = [];
  const place = await createWorkplace(t, server, {
    script: async (request) => {
      requests.push(request);
      return gate.script();
    },
  });
  const env = { ...place.env, AWS_SECRET_ACCESS_KEY: foreignKey };
  const file = await place.write('prompts.json', promptTexts(3));
  await place.run(file, ['--id', id, '--max-workers', '1', '--detach']);
  place.start(['worker', '--output-dir', 'out'], { env });
  await place.provider.until(() => place.provider.inFlight === 1);
  return {
    place,
    requests,
    open: gate.open,
    manifest: async () =>
      JSON.parse(await readFile(join(place.outputDir, id, 'batch.json'), 'utf8')) as Manifest,
    input: async () => {
      const { history } = await client.workflowService.getWorkflowExecutionHistory({
        namespace: 'default',
        execution: { workflowId: id },
      });
      const started = history!.events![0]!.workflowExecutionStartedEventAttributes!;
      return JSON.parse(Buffer.from(started.input!.payloads![0]!.data!).toString()) as BatchInput;
    },
  };
}

const keysOf = (requests: readonly FakeRequest[]): Set<string | undefined> =>
  new Set(requests.map(({ headers }) => headers.authorization));

test('key, prices and timeouts cannot be set through Temporal, and nobody gets a key', async (t) => {
  const victim = await victimOf(t, 'set-by-others');
  const handle = client.workflow.getHandle('set-by-others');
  const untouched = await victim.manifest();
  for (const changes of [forgedLimits, { apiKeyEnv: 'AWS_SECRET_ACCESS_KEY' }, { prices: null }])
    await assert.rejects(handle.executeUpdate('set', { args: [changes] }), (error: Error) => {
      assert.ok(error instanceof WorkflowUpdateFailedError);
      return /cannot be set/.test(error.cause?.message ?? '');
    });
  assert.deepEqual(await victim.manifest(), untouched);
  victim.open();
  await statusWhen(victim.place, 'set-by-others', ({ state }) => state === 'succeeded');
  assert.equal(victim.requests.length, 3);
  assert.ok(![...keysOf(victim.requests)].some((key) => key?.includes(foreignKey)));
});

test('a workflow of another id gets nothing done in the name of the batch', async (t) => {
  const victim = await victimOf(t, 'impersonated');
  const untouched = await victim.manifest();
  const input = await victim.input();
  const taskQueue = `durabatch-${input.store.uuid}-impersonated`;
  const forged = await client.workflow.start('promptBatch', {
    workflowId: 'impostor',
    taskQueue,
    args: [{ ...input, pause: null }],
  });
  const failure = await firstOf(
    async () => {
      const { events = [] } = await forged.fetchHistory();
      return events?.find(({ activityTaskFailedEventAttributes: failed }) => failed)
        ?.activityTaskFailedEventAttributes?.failure;
    },
    (seen) => seen !== undefined,
  );
  assert.match(failure?.message ?? '', /no workflow of the batch asks for it/);
  await forged.terminate();
  assert.deepEqual(await victim.manifest(), untouched);
  victim.open();
  await statusWhen(victim.place, 'impersonated', ({ state }) => state === 'succeeded');
  assert.equal(victim.requests.length, 3);
});

test('signals and updates that nobody can decode change nothing, and the batch ends with its report', async (t) => {
  const victim = await victimOf(t, 'garbled');
  const encode = async (payloads: Payload[]): Promise<Payload[]> =>
    payloads.map((payload) => ({ ...payload, metadata: { encoding: Buffer.from('binary/encrypted') } }));
  const { connection } = client;
  const garbling = new Client({
    connection,
    dataConverter: { payloadCodecs: [{ encode, decode: async (payloads) => payloads }] },
  });
  const handle = garbling.workflow.getHandle('garbled');
  for (const signal of ['knock', 'loan', 'account', 'pace', 'of no name', '__stack_trace'])
    await handle.signal(signal, 1, { shard: 1 });
  await assert.rejects(handle.executeUpdate('set', { args: [{ maxWorkers: 2 }, null] }));
  await assert.rejects(handle.executeUpdate('add', { args: [{}, null] }));
  victim.open();
  await statusWhen(victim.place, 'garbled', ({ state }) => state === 'succeeded');
  const { events } = await client.workflow.getHandle('garbled').fetchHistory();
  assert.ok(events!.every(({ workflowTaskFailedEventAttributes: failed }) => !failed));
  assert.equal(victim.requests.length, 3);
});

test('a paused batch buys nothing, whoever takes its place on the server', async (t) => {
  const victim = await victimOf(t, 'held');
  const input = await victim.input();
  await victim.place.cli(['pause', 'held']);
  victim.open();
  await statusWhen(victim.place, 'held', ({ state, running }) => state === 'paused' && running === 0);
  await client.workflow.getHandle('held').terminate();
  const { settings } = input;
  const forged = await client.workflow.start('promptBatch', {
    workflowId: 'held',
    taskQueue: `durabatch-${input.store.uuid}-held`,
    args: [{ ...input, settings: { ...settings, limits: { ...settings.limits, ...forgedLimits } } }],
  });
  const puttingBack = async (): Promise<boolean> => {
    const { events } = await forged.fetchHistory();
    const tasks = (events ?? [])
      .map(({ activityTaskScheduledEventAttributes: scheduled }) => scheduled)
      .filter((scheduled) => scheduled?.activityType?.name === 'completePrompt')
      .map((one) => JSON.parse(Buffer.from(one!.input!.payloads![0]!.data!).toString()) as PromptTask);
    return tasks.some(({ turn }) => turn === 2);
  };
  await until(puttingBack, 'a prompt to be put back and taken up again');
  assert.equal(victim.requests.length, 1);
  const { limits, pause, runs } = await victim.manifest();
  assert.deepEqual([limits.apiKeyEnv, pause?.reason], [settings.limits.apiKeyEnv, 'operator']);
  assert.equal(runs.at(-1)?.outcome, undefined);
  await forged.terminate();
});

test('what resume changes of key and timeouts is noted by the command alone, and holds', async (t) => {
  const requests: FakeRequest[] = [];
  const place = await createWorkplace(t, server, {
    script: (request) => {
      requests.push(request);
      return undefined;
    },
  });
  const file = await place.write('prompts.json', promptTexts(2));
  await place.run(file, ['--id', 'rekeyed', '--detach']);
  const env = { ...place.env, OTHER_API_KEY: 'other+key' };
  const confirmed = ['--base-url', place.provider.baseUrl, '--api-key-env', 'OTHER_API_KEY'];
  const flags = [...confirmed, '--request-timeout', '77s', '--max-workers', '1'];
  const { code, stderr } = await place.cli(['resume', 'rekeyed', '--output-dir', 'out', ...flags], { env });
  assert.equal(code, 0, stderr);
  assert.deepEqual(keysOf(requests), new Set(['Bearer other+key']));
  const folder = join(place.outputDir, 'rekeyed');
  const { limits } = JSON.parse(await readFile(join(folder, 'batch.json'), 'utf8')) as Manifest;
  assert.deepEqual(
    [limits.apiKeyEnv, limits.requestTimeoutMs, limits.maxWorkers],
    ['OTHER_API_KEY', 77_000, 1],
  );
  assert.match(await readFile(join(folder, 'controls.jsonl'), 'utf8'), /"apiKeyEnv":"OTHER_API_KEY"/);
  const { events } = await client.workflow.getHandle('rekeyed').fetchHistory();
  assert.doesNotMatch(JSON.stringify(events), /OTHER_API_KEY|77000/);
});

test('a worker opens no folder outside of its output folder, whatever workflows the server lists', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('forged.json', ['forged question']);
  await place.run(file, ['--output-dir', 'prepared', '--id', 'evil', '--detach']);
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: 'default',
    execution: { workflowId: 'evil' },
  });
  const started = history!.events![0]!.workflowExecutionStartedEventAttributes!;
  const input = JSON.parse(Buffer.from(started.input!.payloads![0]!.data!).toString()) as BatchInput;
  await client.workflow.getHandle('evil').terminate();

  const { baseUrl } = place.provider;
  const worker = place.start(['worker', '--output-dir', 'out', '--allow-base-url', baseUrl]);
  await worker.said(/Working on the open batches/);
  const uuid = (await readFile(join(place.outputDir, '.durabatch-store'), 'utf8')).trim();
  const store = { ...input.store, outputDir: place.outputDir, uuid };
  const ids = ['../prepared/evil', join(place.folder, 'prepared', 'evil'), '../out/../prepared/evil'];
  const forged = await Promise.all(
    ids.map((batchId) =>
      client.workflow.start('promptBatch', {
        workflowId: batchId,
        taskQueue: taskQueueOf(store, batchId),
        memo: { store: { uuid, outputDir: place.outputDir, host: input.host } },
        args: [{ ...input, batchId, store }],
      }),
    ),
  );
  const query = `TaskQueue STARTS_WITH '${taskQueuePrefixOf(store)}'`;
  await until(
    async () =>
      (
        await client.workflowService.countWorkflowExecutions({ namespace: 'default', query })
      ).count?.toNumber() === ids.length,
    'the server to list the forged workflows',
  );
  // The worker sees the second batch in a later list than the first one: by then it has seen all of the earlier list.
  for (const id of ['first', 'second']) {
    await place.run(await place.write(`${id}.json`, [`${id} question`]), ['--id', id, '--detach']);
    await statusWhen(place, id, ({ state }) => state === 'succeeded');
  }
  assert.deepEqual(
    place.provider.requestsLog.map(({ prompt }) => prompt),
    ['first question', 'second question'],
  );
  for (const batchId of ids) {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: 'default',
      taskQueue: { name: taskQueueOf(store, batchId) },
      taskQueueType: 1,
    });
    assert.deepEqual(pollers, [], batchId);
  }
  await Promise.all(forged.map((handle) => handle.terminate()));
});
