import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { acceptsConnections, LOOPBACK } from './ports.ts';
import { addSearchAttributes } from './search-attributes.ts';

/**
 * How long closed workflows are kept: their pages in the Web UI, and what an audit compares receipts with.
 * A dev server's own day is short for both. After it the database file's space is used again, about 1.5 KB a prompt.
 */
const RETENTION = '7 days';

/**
 * Id of the cluster that answers on a loopback port, which names its database;
 * `null` if nothing there answers as Temporal within `timeoutMs`.
 */
export const askClusterId = async (port: number, timeoutMs: number): Promise<string | null> => {
  if (!(await acceptsConnections(port))) return null;
  try {
    return await connected(port, timeoutMs, clusterIdOf);
  } catch {
    return null;
  }
};

/**
 * Makes the namespace `default` keep workflows that close from now on for 7 days, also in a database that
 * had another rule, and gives it the search attributes of batches; answers the cluster's id.
 */
export const prepareNamespace = (port: number, timeoutMs: number): Promise<string> =>
  connected(port, timeoutMs, async (connection) => {
    await connection.workflowService.updateNamespace({
      namespace: 'default',
      config: { workflowExecutionRetentionTtl: msToTs(RETENTION) },
    });
    await addSearchAttributes(connection, 'default');
    return clusterIdOf(connection);
  });

const clusterIdOf = async (connection: Connection): Promise<string> =>
  (await connection.workflowService.getClusterInfo({})).clusterId;

const connected = async <Answer>(
  port: number,
  timeoutMs: number,
  ask: (connection: Connection) => Promise<Answer>,
): Promise<Answer> => {
  const connection = Connection.lazy({ address: `${LOOPBACK}:${port}`, connectTimeout: timeoutMs });
  try {
    return await connection.withDeadline(Date.now() + timeoutMs, () => ask(connection));
  } finally {
    await connection.close();
  }
};
