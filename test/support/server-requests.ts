/** What a Temporal server has been asked so far, by its own metrics. */
import { readRecord } from '../../src/temporal-server/server-record.ts';

/** Requests of the default namespace by operation, as `DescribeWorkflowExecution`. */
export async function serverRequests({ home }: { home: string }): Promise<Map<string, number>> {
  const ports = readRecord(home)?.ports;
  if (!ports) throw new Error(`no server in ${home}`);
  const text = await (await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).text();
  const counts = new Map<string, number>();
  const line = /^service_requests\{namespace="default",operation="(\w+)",service_name="frontend"\} (\d+)$/gm;
  for (const [, operation, count] of text.matchAll(line)) counts.set(operation!, Number(count));
  if (counts.size === 0) throw new Error('the server tells no requests');
  return counts;
}
