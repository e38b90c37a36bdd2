import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPayloadConverter } from '@temporalio/common';
import { addRun, type WorkflowRecords } from '../../../src/client/audit/workflow-receipts.ts';

const payloads = (value: unknown) => ({ payloads: [defaultPayloadConverter.toPayload(value)] });
const started = (run: number, uuid: string) => ({
  workflowExecutionStartedEventAttributes: { input: payloads({ run, store: { uuid } }) },
});
const scheduled = (eventId: number, name: string, index: number) => ({
  eventId,
  activityTaskScheduledEventAttributes: { activityType: { name }, input: payloads({ index, run: 2 }) },
});
const completed = (scheduledEventId: number, result: unknown) => ({
  activityTaskCompletedEventAttributes: { scheduledEventId, result: payloads(result) },
});
const ended = (outcome: unknown) => ({
  workflowExecutionCompletedEventAttributes: { result: payloads(outcome) },
});

const recordsOf = (events: object[]): WorkflowRecords => {
  const records: WorkflowRecords = { runs: [], receipts: new Map() };
  addRun(records, { events }, 'ours');
  return records;
};
const receipt = { status: 'succeeded', answers: ['a'] };

test('receipts are the results of completions, by prompt; an unsettled prompt has none', () => {
  const { runs, receipts } = recordsOf([
    started(2, 'ours'),
    scheduled(5, 'readShard', 0),
    completed(5, { open: [] }),
    scheduled(6, 'completePrompt', 0),
    scheduled(7, 'completePrompt', 1),
    completed(7, { status: 'unsettled' }),
    completed(6, receipt),
    ended({ state: 'succeeded' }),
  ]);
  assert.deepEqual(runs, [{ run: 2, outcome: { state: 'succeeded' } }]);
  assert.deepEqual([...receipts], [[0, [{ ...receipt, run: 2 }]]]);
});

test('a batch of the same id in another store is none of ours', () => {
  const events = [started(1, 'theirs'), scheduled(5, 'completePrompt', 0), completed(5, receipt), ended({})];
  assert.deepEqual(recordsOf(events), { runs: [], receipts: new Map() });
});
