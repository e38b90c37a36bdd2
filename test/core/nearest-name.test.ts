import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestName } from '../../src/core/nearest-name.ts';

const commands = ['run', 'resume', 'retry', 'report', 'list', 'status'];
const ids = ['sample-batch-0f3a9c21b7de', 'poems-91d00a7731ce', 'poems-91d00a7731ce-2'];

const cases: [typed: string, known: string[], meant: string | undefined][] = [
  ['runn', commands, 'run'],
  ['RUN', commands, 'run'],
  ['reprot', commands, 'report'],
  ['statsu', commands, 'status'],
  ['x', commands, undefined],
  ['audit', commands, undefined],
  ['sample-batch-0f3a9c21b7ed', ids, 'sample-batch-0f3a9c21b7de'],
  ['sample', ids, 'sample-batch-0f3a9c21b7de'],
  ['poems', ids, undefined],
  ['anything', [], undefined],
];
for (const [typed, known, meant] of cases) {
  test(`${typed} most likely means ${meant ?? 'nothing'} among ${known.length} names`, () => {
    assert.equal(nearestName(typed, known), meant);
  });
}
