import { Client, Connection } from '@temporalio/client';
import type { ServerInfo } from '../../temporal-server/embedded-server.ts';

const WAIT_MS = 5000;

/** Ids of the batches that are open on an embedded server; `null` where it does not tell within 5 s. */
export async function openOnServer({ address }: ServerInfo): Promise<string[] | null> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: WAIT_MS });
    try {
      return await connection.withDeadline(Date.now() + WAIT_MS, async () => {
        const ids: string[] = [];
        const query = "WorkflowType = 'promptBatch' AND ExecutionStatus = 'Running'";
        for await (const { workflowId } of new Client({ connection }).workflow.list({ query }))
          ids.push(workflowId);
        return ids.sort();
      });
    } finally {
      await connection.close();
    }
  } catch {
    // One that does not answer is stopped all the same.
    return null;
  }
}
