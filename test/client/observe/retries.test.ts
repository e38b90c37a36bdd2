import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { createRetriesLook, reasonOf, retriesOf } from '../../../src/client/observe/retries.ts';
import type { ServerView } from '../../../src/client/observe/server-view.ts';
import type { Temporal } from '../../../src/client/connect/temporal.ts';

interface Try {
  message?: string;
  attempt?: number;
  timedOut?: boolean;
  type?: string;
  /** Seconds since 1970. */
  next?: number;
}

const workflow = (tries: Try[], children: string[] = []): WorkflowExecutionDescription =>
  ({
    status: { name: 'RUNNING' },
    raw: {
      pendingChildren: children.map((workflowId) => ({ workflowId, runId: 'run' })),
      pendingActivities: tries.map(({ message, attempt = 2, timedOut, type = 'completePrompt', next }) => ({
        activityType: { name: type },
        attempt,
        ...(next !== undefined && { nextAttemptScheduleTime: { seconds: next } }),
        ...(message !== undefined && {
          lastFailure: { message, ...(timedOut && { timeoutFailureInfo: {} }) },
        }),
      })),
    },
  }) as unknown as WorkflowExecutionDescription;

test('prompts in retry are counted by reason, over all workflows, the most frequent first', () => {
  const seen = retriesOf([
    workflow([
      { message: 'HTTP 503: try later' },
      { message: 'HTTP 429: Rate limit of org-1 reached', next: 20 },
      { message: 'HTTP 429: Rate limit of org-1 reached, id 77' },
    ]),
    workflow([
      { message: 'activity Heartbeat timeout', timedOut: true },
      { message: 'HTTP 429: slow down', next: 10 },
      { attempt: 1 },
      { message: 'a disk that is full', type: 'writeReport' },
    ]),
  ]);
  assert.deepEqual(seen, {
    prompts: 5,
    reasons: [
      { reason: 'rate limit (429)', prompts: 3 },
      { reason: 'its worker was lost', prompts: 1 },
      { reason: 'overloaded (503)', prompts: 1 },
    ],
    lastTryAt: 20_000,
  });
});

const reasons = [
  ['HTTP 429: Rate limit reached', 'rate limit (429)'],
  ['429 Too Many Requests from api.example.com: slow down (request r1)', 'rate limit (429)'],
  ['HTTP 599, without a message', 'server error (599)'],
  ['HTTP 409: conflict', 'HTTP (409)'],
  ['127.0.0.1:39869: The connection broke: read ECONNRESET (ECONNRESET).', 'The connection broke'],
  ['[::1]:8000: The connection broke: read ECONNRESET (ECONNRESET).', 'The connection broke'],
  [
    'api.example.com: Not a byte from the provider for 120 s (--idle-timeout).',
    'Not a byte from the provider for 120 s',
  ],
  ['503 Service Unavailable from 127.0.0.1:39869: busy', 'overloaded (503)'],
  ['The connection broke: read ECONNRESET (ECONNRESET).', 'The connection broke'],
  ['Not a byte from the provider for 120 s (--idle-timeout).', 'Not a byte from the provider for 120 s'],
  [
    "account acme allows 600 requests a minute: this request's turn comes in 12 s",
    'account acme allows 600 requests a minute',
  ],
  [
    'held back until 15:49:14 UTC, like all requests of the batch, after one failed: 429 Too Many Requests from api.example.com: slow down',
    'rate limit (429)',
  ],
  [
    'held back until 15:49:14 UTC with all others of the batch, as the provider refused one: 429 Too Many Requests from api.example.com: slow down',
    'rate limit (429)',
  ],
  [
    'held back until 15:49:14 UTC with all others of the batch, as the provider refused one: The provider cannot be reached: connect ECONNREFUSED 127.0.0.1:8000.',
    'The provider cannot be reached',
  ],
  ['', 'no message'],
] as const;
for (const [message, reason] of reasons) {
  test(`the reason in ${JSON.stringify(message)}`, () => {
    assert.equal(reasonOf(message), reason);
  });
}

test('shards are asked now and then, and what was seen is shown meanwhile, also while the server is busy', async () => {
  let asked = 0;
  let isBusy = false;
  let now = 0;
  const temporal = {
    client: {
      withDeadline: (_: number, work: () => Promise<unknown>) => work(),
      workflow: {
        getHandle: () => ({
          describe: async () => {
            asked++;
            if (isBusy) throw new Error('busy');
            return workflow([{ message: 'HTTP 429: slow down' }]);
          },
        }),
      },
    },
  } as unknown as Temporal;
  const view = { kind: 'open', description: workflow([], ['shard-1', 'shard-2']) } as ServerView;
  const look = createRetriesLook(temporal, () => now);
  const prompts: number[] = [];
  for (const at of [0, 250, 2900, 3100]) {
    now = at;
    isBusy = at === 3100;
    prompts.push((await look(view)).prompts);
  }
  assert.deepEqual(prompts, [2, 2, 2, 2]);
  assert.equal(asked, 4);
});

test('prompts whose requests are under way in other processes count together, whichever those are', () => {
  const message = (who: string) => `its request is under way in another process: ${who}; asked again in 3 s`;
  const seen = retriesOf([workflow([{ message: message('7@one') }, { message: message('8@two') }])]);
  assert.deepEqual(seen.reasons, [{ reason: 'its request is under way in another process', prompts: 2 }]);
});
