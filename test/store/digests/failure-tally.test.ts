import assert from 'node:assert/strict';
import test from 'node:test';
import type { FailureType } from '../../../src/core/receipt.ts';
import {
  failed,
  failureGroups,
  noFailures,
  toReportFailure,
} from '../../../src/store/digests/failure-tally.ts';
import { outcomeOf } from '../../report/support/report-fixtures.ts';

const groupsOf = (...errors: [string, FailureType, string][]) =>
  failureGroups(
    errors.reduce(
      (tally, [id, type, message]) =>
        failed(tally, outcomeOf(id, { status: 'failed', error: { type, message, attempts: 1 } })),
      noFailures,
    ),
  );

test('counts by type, the most frequent first, with the first prompts whose messages differ', () => {
  const groups = groupsOf(
    ['a', 'Completion.Fault', '500'],
    ['b', 'Completion.Rejected', 'one'],
    ['c', 'Completion.Rejected', 'one'],
    ['d', 'Completion.Rejected', 'two'],
    ['e', 'Completion.Rejected', 'three'],
    ['f', 'Completion.Rejected', 'four'],
  );
  assert.deepEqual(
    groups.map(({ type, count }) => [type, count]),
    [
      ['Completion.Rejected', 5],
      ['Completion.Fault', 1],
    ],
  );
  assert.deepEqual(
    groups[0]!.examples.map(({ promptId, message }) => [promptId, message]),
    [
      ['b', 'one'],
      ['d', 'two'],
      ['e', 'three'],
    ],
  );
  assert.match(toReportFailure(groups[1]!, 'b').advice, /--max-attempts/);
});

test('a prompt without an error is in no group', () => {
  assert.deepEqual(failureGroups(failed(noFailures, outcomeOf('a'))), []);
});
