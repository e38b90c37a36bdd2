import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBatchId } from '../../../src/client/options/batch-id.ts';
import { UsageError } from '../../../src/client/usage-error.ts';

for (const id of [
  'a',
  '7',
  'Sample_batch-0123456789ab-2',
  'v1.2',
  'console',
  'com10',
  `a${'b'.repeat(63)}`,
]) {
  test(`takes the id ${id}`, () => {
    assert.equal(parseBatchId(id), id);
  });
}

const refused = [
  ['', /1 to 64/],
  ['a'.repeat(65), /1 to 64/],
  ['.hidden', /start with a letter or digit/],
  ['../up', /1 to 64/],
  ['a/b', /1 to 64/],
  ['a b', /1 to 64/],
  ['a\n', /1 to 64/],
  ['é', /1 to 64/],
  ['a.', /end with a dot/],
  ['NUL', /Windows/],
  ['con.txt', /Windows/],
  ['Lpt1', /Windows/],
] as const;

for (const [id, message] of refused) {
  test(`refuses the id ${JSON.stringify(id.slice(0, 20))}`, () => {
    assert.throws(
      () => parseBatchId(id),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}
