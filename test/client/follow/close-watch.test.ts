import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { InterceptingCall, type Interceptor, ListenerBuilder, status } from '@grpc/grpc-js';
import { Client, Connection } from '@temporalio/client';
import { watchClose } from '../../../src/client/follow/close-watch.ts';
import { useTestServer } from '../../support/temporal-server.ts';
import { until } from '../../support/until.ts';

const server = useTestServer();

/** A connection that counts the calls made on it, and notes how each has ended. */
async function counting(t: TestContext): Promise<{ client: Client; calls(): number; ends: status[] }> {
  let calls = 0;
  const ends: status[] = [];
  const counted: Interceptor = (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) => {
        calls++;
        const noting = new ListenerBuilder().withOnReceiveStatus((end, tell) => {
          ends.push(end.code);
          tell(end);
        });
        next(metadata, noting.build());
      },
    });
  const connection = await Connection.connect({ address: server.address, interceptors: [counted] });
  t.after(() => connection.close());
  return { client: new Client({ connection }), calls: () => calls, ends };
}

test('a watch that lasts begins anew, and still tells of the end', async (t) => {
  const { client, calls } = await counting(t);
  await client.workflow.start('nobody', { workflowId: 'lasts', taskQueue: 'nobody', args: [] });
  const asked = calls();
  const watch = watchClose(client, 'lasts', new AbortController().signal, 150);
  await until(() => calls() >= asked + 4);
  let isWoken = false;
  const closes = watch.sleep(60_000).then(() => (isWoken = true));
  const askedSince = calls();
  await until(() => calls() >= askedSince + 2, 'a watch that begins anew');
  assert.ok(!isWoken, 'what begins anew is no end');
  await client.workflow.getHandle('lasts').terminate();
  await closes;
  await watch.stop();
});

test('a watch that is stopped leaves no call behind that would hold the process', async (t) => {
  const { client, calls, ends } = await counting(t);
  await client.workflow.start('nobody', { workflowId: 'open', taskQueue: 'nobody', args: [] });

  const asked = calls();
  const interrupt = new AbortController();
  interrupt.abort();
  await watchClose(client, 'open', interrupt.signal).stop();
  assert.equal(calls(), asked, 'it asks nothing where it is over before it begins');

  await watchClose(client, 'open', new AbortController().signal).stop();
  assert.equal(calls(), asked + 1);
  // A connection keeps the process only while a call is open: this one is given up, and not answered by the server 20 s later.
  await until(() => ends.length === calls(), 'the end of every call');
  assert.equal(ends.at(-1), status.CANCELLED);
  await until(
    () => !process.getActiveResourcesInfo().includes('TCPSocketWrap'),
    'nothing that holds the process',
  );
});
