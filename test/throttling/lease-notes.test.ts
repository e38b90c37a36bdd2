import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease } from '../../src/core/lease.ts';
import { createLeaseNotes } from '../../src/throttling/lease-notes.ts';

const lease = (requests: number, batches: number): Lease => ({
  ...{ version: 1, rates: { requests: 1, tokens: null }, fair: { requests: 1, tokens: null } },
  ...{ validMs: 1, askAgainMs: 1, inTheWay: [], limits: { requests, tokens: null }, batches },
});

test('only what changes for a batch is said', () => {
  const said: string[] = [];
  const onLease = createLeaseNotes(
    () => ({ name: 'acme', requestsPerMinute: 600, tokensPerMinute: null }),
    (line) => said.push(line),
  );
  for (const now of [lease(600, 1), lease(600, 1), lease(600, 2), lease(600, 2), lease(60, 3), lease(60, 3)])
    onLease(now);
  onLease(lease(600, 1));
  assert.deepEqual(said, [
    'Account acme: 2 batches share its 600 requests a minute.',
    'Account acme: 3 batches share its 60 requests a minute.',
    "Account acme: another batch names 60 requests a minute; the lowest holds, instead of this batch's 600 requests a minute.",
    'Account acme: this batch has all of its 600 requests a minute again.',
  ]);
});
