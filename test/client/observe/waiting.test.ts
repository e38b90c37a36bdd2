import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { waitingOf, waitingText } from '../../../src/client/observe/waiting.ts';

/** A workflow with one prompt that waits, since its last attempt failed so. */
const waitingFor = (type: string, message: string): WorkflowExecutionDescription =>
  ({
    raw: {
      pendingActivities: [
        {
          state: 1,
          lastFailure: { message, applicationFailureInfo: { type } },
          nextAttemptScheduleTime: { seconds: 12 },
        },
      ],
    },
  }) as unknown as WorkflowExecutionDescription;

const said = (type: string, message: string): string =>
  waitingText(waitingOf([waitingFor(type, message)])!, 10_000);

test('a prompt whose request is under way elsewhere waits for that process, and for no provider', () => {
  assert.equal(
    said('Request.Elsewhere', 'its request is under way in another process: 7@one; asked again in 3 s'),
    'The prompt in progress waits for its request under way in another process (7@one), so that nothing is bought twice. ' +
      'No prompt fails because of this.',
  );
});

test('an unavailable provider is waited for without harm to a prompt, a fault counts', () => {
  assert.match(
    said('Completion.Unavailable', '503 Service Unavailable from a.example; asked again in 4.2 s'),
    /waits for the provider: 503 Service Unavailable from a\.example; next try in 2 s\. No prompt fails because of this/,
  );
  assert.match(said('Completion.Fault', '500 from a.example'), /This counts against --max-attempts/);
});
