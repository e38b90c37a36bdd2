/** Histories of workflows as a Temporal server would tell them, written by hand. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Histories } from '../../../../src/client/audit/histories.ts';

type Event = Record<string, unknown>;

export const UUID = 'ours';
export const receipt = (answer: string) => ({ status: 'succeeded', answers: [answer] });

const payloads = (value: unknown) => ({ payloads: [defaultPayloadConverter.toPayload(value)] });

export const started = (run: number, { uuid = UUID, continues = '' } = {}): Event => ({
  eventId: 1,
  workflowExecutionStartedEventAttributes: {
    input: payloads({ batchId: 'b', run, store: { uuid } }),
    continuedExecutionRunId: continues,
  },
});

/** An activity that was asked for and answered. */
export const activity = (eventId: number, name: string, input: unknown, result: unknown): Event[] => [
  { eventId, activityTaskScheduledEventAttributes: { activityType: { name }, input: payloads(input) } },
  {
    eventId: eventId + 2,
    activityTaskCompletedEventAttributes: { scheduledEventId: eventId, result: payloads(result) },
  },
];

/** A prompt by its position, 500 to a shard. */
export const prompt = (eventId: number, run: number, index: number, answer: string): Event[] =>
  activity(eventId, 'completePrompt', { index, shard: Math.floor(index / 500), run }, receipt(answer));

/** A shard's workflow, from asking for it to its start. */
export const shardStarted = (eventId: number, shard: number, workflowId: string, runId: string): Event[] => [
  {
    eventId,
    startChildWorkflowExecutionInitiatedEventAttributes: {
      workflowId,
      input: payloads({ batchId: 'b', run: 1, store: { uuid: UUID }, shard }),
    },
  },
  {
    eventId: eventId + 1,
    childWorkflowExecutionStartedEventAttributes: {
      initiatedEventId: eventId,
      workflowExecution: { workflowId, runId },
    },
  },
];

export const completed = (result: unknown): Event => ({
  workflowExecutionCompletedEventAttributes: { result: payloads(result), newExecutionRunId: '' },
});
export const continuedAsNew = (newExecutionRunId: string): Event => ({
  workflowExecutionContinuedAsNewEventAttributes: { newExecutionRunId },
});
export const terminated: Event = { workflowExecutionTerminatedEventAttributes: {} };

/** `executions`: by `<workflow id>/<run id>`; the server lists those that are not in `unlisted`. */
export function handWrittenHistories(
  executions: Record<string, Event[]>,
  { unlisted = [] as string[], gone = [] as string[] } = {},
): Histories & { read: string[] } {
  const read: string[] = [];
  return {
    read,
    runIds: async (workflowId) =>
      new Set(
        Object.keys(executions)
          .filter((name) => name.startsWith(`${workflowId}/`) && !unlisted.includes(name))
          .map((name) => name.split('/')[1]!),
      ),
    async *events(workflowId, runId) {
      const name = `${workflowId}/${runId}`;
      read.push(name);
      const events = executions[name];
      if (!events) throw new WorkflowNotFoundError('not found', workflowId, runId);
      for (const event of events) yield event;
      // As where it is deleted while its pages are read.
      if (gone.includes(name)) throw new WorkflowNotFoundError('not found', workflowId, runId);
    },
  };
}
