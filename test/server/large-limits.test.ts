import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { startTestServer } from '../support/temporal-server.ts';

const TASK_QUEUE = 'by-hand';
/** More than the server lets wait by default (100). */
const EVENTS = 300;

test('more than 100 events wait for the end of a workflow task, which does not fail of them', async (t) => {
  const server = await startTestServer();
  t.after(server.stop);
  const connection = await Connection.connect({ address: server.address });
  t.after(() => connection.close());
  const client = new Client({ connection });
  const { workflowService } = client;
  const handle = await client.workflow.start('anything', { workflowId: 'busy', taskQueue: TASK_QUEUE });
  const taskQueue = { name: TASK_QUEUE };

  const { taskToken } = await connection.withDeadline(Date.now() + 60_000, () =>
    workflowService.pollWorkflowTaskQueue({ namespace: 'default', taskQueue, identity: 'test' }),
  );
  for (let sent = 0; sent < EVENTS; sent++) await handle.signal('ended');
  await workflowService.respondWorkflowTaskCompleted({ namespace: 'default', taskToken, commands: [] });

  const { events } = await handle.fetchHistory();
  assert.equal(events?.filter((event) => event.workflowTaskFailedEventAttributes).length, 0);
  assert.equal(events?.filter((event) => event.workflowExecutionSignaledEventAttributes).length, EVENTS);
});
