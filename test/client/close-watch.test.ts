import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
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

test('a watch that is stopped leaves no call behind that would hold the process', async (t) => {
  let streams = 0;
  const counted: Interceptor = (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        streams++;
        next(metadata, listener);
      },
    });
  const connection = await Connection.connect({ address: server.address, interceptors: [counted] });
  t.after(() => connection.close());
  const client = new Client({ connection });
  await client.workflow.start('nobody', { workflowId: 'open', taskQueue: 'nobody', args: [] });

  const asked = streams;
  const interrupt = new AbortController();
  interrupt.abort();
  await watchClose(client, 'open', interrupt.signal).stop();
  assert.equal(streams, asked, 'it asks nothing where it is over before it begins');

  await watchClose(client, 'open', new AbortController().signal).stop();
  assert.equal(streams, asked + 1);
  // A connection keeps the process only while a call is open: no longer, and not for the 20 s of the server.
  const holds = (): boolean => process.getActiveResourcesInfo().includes('TCPSocketWrap');
  for (let turns = 0; turns < 200 && holds(); turns++) await sleep(10);
  assert.ok(!holds(), 'a call is left that holds the process');
});
