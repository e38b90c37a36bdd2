import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { startTestServer } from '../support/temporal-server.ts';
import { LONGEST_WAIT_MS } from '../support/until.ts';

const TASK_QUEUE = 'by-hand';
/** More than the server lets wait by default (100). */
const EVENTS = 300;
/** More than the server lets wait by default (1). */
const QUERIES = 5;
/** `QUERY_RESULT_TYPE_ANSWERED`. */
const ANSWERED = 1;

test('more than 100 events wait for the end of a workflow task, which does not fail of them', async (t) => {
  const server = await startTestServer();
  t.after(server.stop);
  const connection = await Connection.connect({ address: server.address });
  t.after(() => connection.close());
  const client = new Client({ connection });
  const { workflowService } = client;
  const handle = await client.workflow.start('anything', { workflowId: 'busy', taskQueue: TASK_QUEUE });
  const taskQueue = { name: TASK_QUEUE };

  const { taskToken } = await connection.withDeadline(Date.now() + LONGEST_WAIT_MS, () =>
    workflowService.pollWorkflowTaskQueue({ namespace: 'default', taskQueue, identity: 'test' }),
  );
  for (let sent = 0; sent < EVENTS; sent++) await handle.signal('ended');
  await workflowService.respondWorkflowTaskCompleted({ namespace: 'default', taskToken, commands: [] });

  const { events } = await handle.fetchHistory();
  assert.equal(events?.filter((event) => event.workflowTaskFailedEventAttributes).length, 0);
  assert.equal(events?.filter((event) => event.workflowExecutionSignaledEventAttributes).length, EVENTS);
});

test('several queries wait for the end of a workflow task, and none is refused', async (t) => {
  const server = await startTestServer();
  t.after(server.stop);
  // Without the client's retries: they would hide it, seconds later.
  const connection = await Connection.connect({ address: server.address, interceptors: [] });
  t.after(() => connection.close());
  const { workflowService } = connection;
  const handle = await new Client({ connection }).workflow.start('anything', {
    workflowId: 'asked',
    taskQueue: TASK_QUEUE,
  });
  const soon = <T>(call: () => Promise<T>): Promise<T> =>
    connection.withDeadline(Date.now() + LONGEST_WAIT_MS, call);
  const poll = () =>
    soon(() =>
      workflowService.pollWorkflowTaskQueue({
        ...{ namespace: 'default', taskQueue: { name: TASK_QUEUE }, identity: 'test' },
      }),
    );
  const complete = ({ taskToken = null }: { taskToken?: Uint8Array | null }) =>
    workflowService.respondWorkflowTaskCompleted({ namespace: 'default', taskToken, commands: [] });
  // Only who has done a first task can be asked.
  await complete(await poll());
  await handle.signal('more');
  const task = await poll();

  const answers = Array.from({ length: QUERIES }, () =>
    soon(() =>
      workflowService.queryWorkflow({
        ...{ namespace: 'default', execution: { workflowId: 'asked' }, query: { queryType: 'state' } },
      }),
    ),
  );
  const refusals: unknown[] = [];
  for (const answer of answers) answer.catch((error: unknown) => refusals.push(error));
  // They have arrived before what is asked after them is answered.
  await handle.describe();
  assert.deepEqual(refusals, []);
  await complete(task);
  for (let answered = 0; answered < QUERIES; answered++) {
    const { taskToken, query } = await poll();
    assert.equal(query?.queryType, 'state');
    await workflowService.respondQueryTaskCompleted({
      ...{ namespace: 'default', taskToken, completedType: ANSWERED },
    });
  }
  await Promise.all(answers);
});
