/** What a batch is found by in Temporal's lists, on servers that know it and on one that does not. */
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { searchAttributes } from '../../src/workflows/display/search-attributes.ts';
import { reply } from '../support/fake-provider.ts';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';
import { until } from '../support/until.ts';
import { batchIdIn, createWorkplace, promptTexts } from './workplace.ts';

let server: TestServer;
let connection: Connection;
before(async () => {
  server = await startTestServer();
  connection = await Connection.connect({ address: server.address });
});
after(async () => {
  await connection.close();
  await server.stop();
});

const namespace = 'default';
const names = Object.keys(searchAttributes).sort();
const known = async (): Promise<string[]> => {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return Object.keys(customAttributes ?? {}).sort();
};
/** As on a server that an older version started, or whose operator has not added them. */
const forget = (): Promise<unknown> =>
  connection.operatorService.removeSearchAttributes({ namespace, searchAttributes: names });

async function attributesAfterRun(t: TestContext, env: NodeJS.ProcessEnv): Promise<Record<string, unknown>> {
  const place = await createWorkplace(
    t,
    { env },
    { script: ({ prompt }) => (prompt.includes('2') ? reply.status(400, { message: 'no' }) : undefined) },
  );
  const file = await place.write('prompts.json', promptTexts(3));
  const { code } = await place.run(file, ['--price-input', '1', '--price-output', '1']);
  assert.equal(code, 3);
  const handle = new Client({ connection }).workflow.getHandle(await batchIdIn(place.outputDir));
  const { typedSearchAttributes } = await handle.describe();
  const own = typedSearchAttributes.getAll().filter(({ key }) => names.includes(key.name));
  return Object.fromEntries(own.map(({ key, value }) => [key.name, value]));
}

const ownServer = (): NodeJS.ProcessEnv => ({ ...server.env, TEMPORAL_ADDRESS: server.address });

test('the embedded server has the attributes from its start, and a batch is found by them', async (t) => {
  assert.deepEqual(await known(), names);
  const { BatchCostUsd: cost, BatchHash: hash, ...attributes } = await attributesAfterRun(t, server.env);
  assert.match(String(hash), /^2-[0-9a-f]{64}$/);
  assert.ok(typeof cost === 'number' && cost > 0, String(cost));
  assert.deepEqual(attributes, {
    BatchState: 'partly_failed',
    BatchProvider: 'openai-compatible',
    BatchModel: 'test-model',
    BatchFailed: 1,
  });
  const query = 'BatchState = "partly_failed" AND BatchFailed = 1 AND BatchCostUsd > 0';
  const { workflow } = new Client({ connection });
  // Lists lag behind.
  await until(async () => (await workflow.count(query)).count === 1);
});

test('a server of the user’s own that has them takes them; one that has not runs the batch without', async (t) => {
  assert.equal((await attributesAfterRun(t, ownServer()))['BatchState'], 'partly_failed');
  await forget();
  assert.deepEqual(await attributesAfterRun(t, ownServer()), {});
  assert.deepEqual(await known(), [], 'they are the operator’s to add');
});

test('an embedded server that an older version has started is given them by the next run', async (t) => {
  await forget();
  assert.equal((await attributesAfterRun(t, server.env))['BatchFailed'], 1);
  assert.deepEqual(await known(), names);
});
