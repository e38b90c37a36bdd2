import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { acceptsConnections, choosePlace, LOOPBACK } from '../../src/temporal-server/ports.ts';
import { databasePath, spawnServer } from '../../src/temporal-server/server-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { testBinary, testEnv } from '../support/temporal-server.ts';
import { until } from '../support/until.ts';

const WORKFLOWS = 12;
const PAYLOAD = 'x'.repeat(1 << 20);
const MB = 1 << 20;

/** Retention in seconds instead of days: the server's own way, with its own minutes taken out. */
const hurried = [
  ...['--dynamic-config-value', 'system.namespaceMinRetentionLocal="1s"'],
  ...['--dynamic-config-value', 'history.retentionTimerJitterDuration="1s"'],
];

test('histories past their retention go away, and the database uses their space again', async (t) => {
  const home = await temporaryFolder(t);
  const place = await choosePlace(null);
  const server = spawnServer(await testBinary(), home, place, await testEnv(home), hurried);
  process.once('exit', server.kill);
  t.after(async () => {
    process.off('exit', server.kill);
    server.kill();
    await until(() => server.end() !== undefined);
  });
  await until(() => {
    assert.equal(server.end(), undefined, 'the server ended');
    return acceptsConnections(place.ports.grpc);
  }, 'a server that accepts connections');
  const connection = await Connection.connect({ address: `${LOOPBACK}:${place.ports.grpc}` });
  t.after(() => connection.close());
  // A namespace of its own: what is changed in one that is in use takes the server seconds to notice.
  const client = new Client({ connection, namespace: 'hurried' });
  await client.workflowService.registerNamespace({
    namespace: 'hurried',
    workflowExecutionRetentionPeriod: msToTs('2 seconds'),
  });

  const isThere = async (workflowId: string): Promise<boolean> => {
    try {
      await client.workflow.getHandle(workflowId).describe();
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  };
  const sizes: number[] = [];
  for (const round of [1, 2, 3]) {
    const ids = Array.from({ length: WORKFLOWS }, (_, at) => `round-${round}-${at}`);
    for (const workflowId of ids) {
      const options = { workflowId, taskQueue: 'nobody', args: [PAYLOAD] };
      await (await client.workflow.start('anything', options)).terminate();
    }
    for (const id of ids) await until(async () => !(await isThere(id)));
    const sizeOf = async (file: string): Promise<number> => (await stat(file)).size;
    sizes.push((await sizeOf(databasePath(home))) + (await sizeOf(`${databasePath(home)}-wal`)));
  }
  const [first, , last] = sizes as [number, number, number];
  assert.ok(first > WORKFLOWS * MB, `${first}`);
  assert.ok(last < first + (WORKFLOWS / 2) * MB, sizes.join(', '));
});
