import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  Client,
  Connection,
  type WorkflowExecutionInfo,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { type AccountLink, openAccount } from '../../../src/throttling/account-worker.ts';
import { accountWorkflowId, type Lease, type LeaseRequest } from '../../../src/core/lease.ts';
import { LEASED_SHARE } from '../../../src/workflows/account/share-account.ts';
import { accountViewOf } from '../../support/account-view.ts';
import { startTestServer, type TestServer } from '../../support/temporal-server.ts';
import { firstOf } from '../../support/until.ts';
import { workflowBundle } from '../../support/workflow-harness.ts';

let server: TestServer;
let connection: Connection;
let native: NativeConnection;
let client: Client;
before(async () => {
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
  // An account continues as new after a handful of questions.
  server = await startTestServer({ 'limit.historyCount.suggestContinueAsNew': 60 });
  const { address } = server;
  [connection, native] = await Promise.all([
    Connection.connect({ address }),
    NativeConnection.connect({ address }),
  ]);
  client = new Client({ connection });
});
after(async () => {
  await connection.close();
  await native.close();
  await server.stop();
});

const open = (name: string): AccountLink =>
  openAccount(name, {
    ...{ connection: native, namespace: 'default', identity: 'worker' },
    workflowBundle: { codePath: workflowBundle },
  });

const asking = (batchId: string, seen: number): LeaseRequest => ({
  ...{ worker: 'worker', batchId, limits: { requests: 600, tokens: null } },
  ...{ wants: { requests: null, tokens: null }, seen, dead: [] },
});

/** Asks until it is answered in time, as a batch does. */
const ask = async (account: AccountLink, request: LeaseRequest): Promise<Lease> =>
  (await firstOf(
    () =>
      account.ask(request).catch((error: unknown) => {
        if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return null;
        throw error;
      }),
    (lease) => lease !== null,
    `a lease of ${request.batchId}`,
  ))!;

async function executionsOf(name: string): Promise<WorkflowExecutionInfo[]> {
  const found: WorkflowExecutionInfo[] = [];
  for await (const one of client.workflow.list({ query: `WorkflowId = "${accountWorkflowId(name)}"` }))
    found.push(one);
  return found;
}

test('an account knows its leases across executions, and each of them replays', async () => {
  const account = open('busy');
  let seen = 0;
  for (let count = 0; count < 30; count++) {
    const lease = await ask(account, asking('first', seen));
    assert.ok(lease.version > seen);
    seen = lease.version;
  }
  // Leases hold for seconds: where asking takes longer than that, the first one asks once more.
  await firstOf(
    async () => {
      seen = (await ask(account, asking('first', seen))).version;
      const { rates } = await ask(account, asking('second', 0));
      const batches = (await accountViewOf(client, 'busy'))?.batches ?? [];
      await open('busy').close({ worker: 'worker', batchId: 'second' });
      return [rates.requests, ...batches.map((batch) => `${batch.batchId} ${batch.rates.requests}`)];
    },
    (told) => told.join() === [0, `first ${600 * LEASED_SHARE}`, 'second 0'].join(),
    'the first one to have it all',
  );
  await account.close({ worker: 'worker', batchId: 'first' });

  const executions = await firstOf(
    () => executionsOf('busy'),
    ({ length }) => length >= 3,
  );
  for (const { runId } of executions) {
    const history = await client.workflow.getHandle(accountWorkflowId('busy'), runId).fetchHistory();
    await Worker.runReplayHistory({ workflowBundle: { codePath: workflowBundle } }, history);
  }
});

test('the last lease that is given back ends it, and the next question begins anew', async () => {
  const handle = client.workflow.getHandle(accountWorkflowId('short'));
  // Where it takes longer than a lease holds to give one back, the other one is over, too: then once more.
  await firstOf(
    async () => {
      const [one, two] = [open('short'), open('short')];
      await Promise.all([ask(one, asking('one', 0)), ask(two, asking('two', 0))]);
      await one.close({ worker: 'worker', batchId: 'one' });
      const { status } = await handle.describe();
      await two.close({ worker: 'worker', batchId: 'two' });
      await handle.result();
      return status.name;
    },
    (state) => state === 'RUNNING',
    'an account that goes on with the lease that is left',
  );
  const again = open('short');
  assert.equal((await ask(again, asking('again', 0))).rates.requests, 600 * LEASED_SHARE);
  await again.close({ worker: 'worker', batchId: 'again' });
});
