import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { status } from '@grpc/grpc-js';
import { Client, Connection, ServiceError, type WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { sendUpdate, UpdateRefusedError } from '../../../src/client/control/send-update.ts';
import { connectWorker, logWorkersTo, workflowBundle } from '../../../src/worker/batch-worker.ts';
import { cancelNowUpdate } from '../../../src/workflows/messages.ts';
import { startTestServer, type TestServer } from '../../support/temporal-server.ts';

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

const start = (workflowId: string): Promise<WorkflowHandle> =>
  new Client({ connection }).workflow.start('nobody', { workflowId, taskQueue: 'nobody', args: [] });

const refusal = (code: number): ServiceError =>
  new ServiceError('Workflow Update failed', {
    cause: Object.assign(new Error('refused'), { code, details: '', metadata: {} }),
  });

test('the event of a signal stands in the history before the update is sent', async () => {
  const handle = await start('knocked');
  const seen = await sendUpdate(handle, async () => {
    const { events = [] } = await handle.fetchHistory();
    return (events ?? []).map((event) => event.workflowExecutionSignaledEventAttributes?.signalName);
  });
  assert.ok(seen.includes('knock'));
});

test('an update that the server takes only later is sent again; any other refusal is told', async () => {
  const handle = await start('later');
  let sent = 0;
  const send = async (): Promise<string> => {
    sent++;
    if (sent === 1) throw refusal(status.FAILED_PRECONDITION);
    return 'taken';
  };
  assert.equal(await sendUpdate(handle, send), 'taken');
  assert.equal(sent, 2);
  await assert.rejects(
    sendUpdate(handle, async () => Promise.reject(refusal(status.INVALID_ARGUMENT))),
    /Workflow Update failed/,
  );
});

/** A batch whose workflow task fails for ever: the server takes no update for it. */
async function startRefused(t: TestContext, workflowId: string): Promise<WorkflowHandle> {
  logWorkersTo(() => {});
  const native = await connectWorker({ address: server.address });
  const worker = await Worker.create({
    connection: native,
    taskQueue: workflowId,
    workflowBundle: { codePath: workflowBundle() },
  });
  const stopped = worker.run();
  t.after(async () => {
    worker.shutdown();
    await stopped;
    await native.close();
  });
  // The workflow reads fields of its input, and has none.
  return new Client({ connection }).workflow.start('promptBatch', {
    ...{ workflowId, taskQueue: workflowId, args: [null] },
  });
}

/** As a command sends it; tells when the server has refused. */
function sending(handle: WorkflowHandle) {
  let refused = (): void => {};
  const isRefused = new Promise<void>((resolve) => (refused = resolve));
  const send = async (): Promise<unknown> => {
    try {
      return await handle.executeUpdate(cancelNowUpdate, { updateId: 'the-update' });
    } catch (error) {
      refused();
      throw error;
    }
  };
  return { send, isRefused };
}

test('a server that refuses for ever holds nobody for ever: the error says what to do', async (t) => {
  const handle = await startRefused(t, 'refused');
  const { send } = sending(handle);
  await assert.rejects(sendUpdate(handle, send, { maxRefusedMs: 1 }), (error) => {
    assert.ok(error instanceof UpdateRefusedError, String(error));
    assert.match(error.message, /refused to deliver this to refused/);
    assert.match(error.message, /type durabatch resume refused, and then repeat this command/);
    return true;
  });
});

test('an interrupt ends the wait for a server that refuses', async (t) => {
  const handle = await startRefused(t, 'refused-too');
  const { send, isRefused } = sending(handle);
  const interrupt = new AbortController();
  const told = sendUpdate(handle, send, { interrupt: interrupt.signal });
  told.catch(() => {});
  await isRefused;
  interrupt.abort(new Error('Ctrl-C'));
  await assert.rejects(told, /Ctrl-C/);
});

test('an interrupt ends the wait for a worker that never comes', async () => {
  const handle = await start('nobody-there');
  const interrupt = new AbortController();
  const told = sendUpdate(
    handle,
    () => {
      const sent = handle.executeUpdate(cancelNowUpdate, { updateId: 'unheard' });
      interrupt.abort(new Error('Ctrl-C'));
      return sent;
    },
    { interrupt: interrupt.signal },
  );
  await assert.rejects(told, /Ctrl-C/);
});
