/** How a run ended that has written no report: what its last event says. */
import type { ServerView } from './server-view.ts';
import type { Temporal } from '../connect/temporal.ts';

const CLOSE_EVENT = 2;

/** In words, such as `terminated by ann@lab: wrong file`; `null` while it is open. */
export async function outsideEndOf(
  { client, namespace }: Temporal,
  batchId: string,
  view: ServerView,
): Promise<string | null> {
  if (view.kind === 'absent') return 'deleted';
  if (view.kind === 'open') return null;
  const status = view.description.status.name.toLowerCase().replaceAll('_', ' ');
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace,
    execution: { workflowId: batchId, runId: view.runId },
    historyEventFilterType: CLOSE_EVENT,
  });
  const last = history?.events?.at(-1);
  const terminated = last?.workflowExecutionTerminatedEventAttributes;
  const by = terminated?.identity ? ` by ${terminated.identity}` : '';
  const why = terminated?.reason || last?.workflowExecutionFailedEventAttributes?.failure?.message;
  return `${status}${by}${why ? `: ${why}` : ''}`;
}
