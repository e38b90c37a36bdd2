import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { Client, Connection, ServiceError, type WorkflowHandle } from '@temporalio/client';
import { tellBatch } from '../../src/client/tell-batch.ts';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';

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
  const seen = await tellBatch(handle, async () => {
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
  assert.equal(await tellBatch(handle, send), 'taken');
  assert.equal(sent, 2);
  await assert.rejects(
    tellBatch(handle, async () => Promise.reject(refusal(status.INVALID_ARGUMENT))),
    /Workflow Update failed/,
  );
});
