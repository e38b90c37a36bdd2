import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { watchClose } from '../../src/client/close-watch.ts';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.stop());

/** A connection that counts the calls made on it. */
async function counting(t: TestContext): Promise<{ client: Client; calls(): number }> {
  let calls = 0;
  const counted: Interceptor = (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        calls++;
        next(metadata, listener);
      },
    });
  const connection = await Connection.connect({ address: server.address, interceptors: [counted] });
  t.after(() => connection.close());
  return { client: new Client({ connection }), calls: () => calls };
}

test('a watch that lasts begins anew, and still tells of the end', async (t) => {
  const { client, calls } = await counting(t);
  await client.workflow.start('nobody', { workflowId: 'lasts', taskQueue: 'nobody', args: [] });
  const asked = calls();
  const watch = watchClose(client, 'lasts', new AbortController().signal, 150);
  while (calls() < asked + 4) await sleep(10);
  let isWoken = false;
  const closes = watch.sleep(60_000).then(() => (isWoken = true));
  await sleep(50);
  assert.ok(!isWoken, 'what begins anew is no end');
  await client.workflow.getHandle('lasts').terminate();
  await closes;
  await watch.stop();
});

test('a watch that is stopped leaves no call behind that would hold the process', async (t) => {
  const { client, calls } = await counting(t);
  await client.workflow.start('nobody', { workflowId: 'open', taskQueue: 'nobody', args: [] });

  const asked = calls();
  const interrupt = new AbortController();
  interrupt.abort();
  await watchClose(client, 'open', interrupt.signal).stop();
  assert.equal(calls(), asked, 'it asks nothing where it is over before it begins');

  await watchClose(client, 'open', new AbortController().signal).stop();
  assert.equal(calls(), asked + 1);
  // A connection keeps the process only while a call is open: no longer, and not for the 20 s of the server.
  const holds = (): boolean => process.getActiveResourcesInfo().includes('TCPSocketWrap');
  for (let turns = 0; turns < 200 && holds(); turns++) await sleep(10);
  assert.ok(!holds(), 'a call is left that holds the process');
});
