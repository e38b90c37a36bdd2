/** When a batch's workflows have done all that follows from what they know: whatever they do next comes from outside. */
import { type Client, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import { barrierSignal } from '../../src/workflows/messages.ts';
import { until } from './until.ts';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type Event = NonNullable<History['events']>[number];

/**
 * Resolves once the batch and its shards have each done a workflow task that led to nothing: no activity, no message.
 * Activities that are in progress may still be.
 */
export const atRest = (client: Client, batchId: string): Promise<void> =>
  until(async () => {
    const ids = await openWorkflows(client, batchId);
    const rested = await Promise.all(ids.map((id) => restsAfterKnock(client, id)));
    return rested.every(Boolean);
  }, `the workflows of ${batchId} to be at rest`);

async function openWorkflows(client: Client, batchId: string): Promise<string[]> {
  const { raw } = await client.workflow.getHandle(batchId).describe();
  return [batchId, ...(raw.pendingChildren ?? []).map(({ workflowId }) => workflowId!)];
}

/** False where its task led to something, so that there may be more to come, and where it ended meanwhile. */
async function restsAfterKnock(client: Client, workflowId: string): Promise<boolean> {
  const handle = client.workflow.getHandle(workflowId);
  const events = async (): Promise<Event[]> => (await handle.fetchHistory()).events ?? [];
  try {
    const before = (await events()).length;
    await handle.signal(barrierSignal);
    let after: Event[] = [];
    await until(async () => {
      after = (await events()).slice(before);
      return hasDoneItsTask(after);
    }, `a workflow task of ${workflowId}`);
    return after.every(leadsToNothing) && !hasMessageUnderWay(await events());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

const isKnock = ({ workflowExecutionSignaledEventAttributes: signal }: Event): boolean =>
  signal?.signalName === barrierSignal.name;

const hasDoneItsTask = (events: readonly Event[]): boolean => {
  const knock = events.findIndex(isKnock);
  const last = (is: (event: Event) => unknown): number => events.findLastIndex((event) => Boolean(is(event)));
  const scheduled = last((event) => event.workflowTaskScheduledEventAttributes);
  const completed = last((event) => event.workflowTaskCompletedEventAttributes);
  return knock >= 0 && completed > Math.max(knock, scheduled);
};

const leadsToNothing = (event: Event): boolean =>
  isKnock(event) ||
  Boolean(
    event.workflowTaskScheduledEventAttributes ??
    event.workflowTaskStartedEventAttributes ??
    event.workflowTaskTimedOutEventAttributes ??
    event.workflowTaskCompletedEventAttributes,
  );

/** From one workflow to another: it may bring that into motion again. */
const hasMessageUnderWay = (events: readonly Event[]): boolean => {
  const count = (is: (event: Event) => unknown): number => events.filter((event) => is(event)).length;
  const sent = count((event) => event.signalExternalWorkflowExecutionInitiatedEventAttributes);
  const arrived = count((event) => event.externalWorkflowExecutionSignaledEventAttributes);
  const lost = count((event) => event.signalExternalWorkflowExecutionFailedEventAttributes);
  return sent > arrived + lost;
};
