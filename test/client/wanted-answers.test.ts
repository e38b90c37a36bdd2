import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WantedAnswers } from '../../src/client/wanted-answers.ts';

test('prompts of one key have their turns in input order, and again after a start over', () => {
  const wanted = new WantedAnswers(5, 2);
  ['a', 'b', 'a', 'c', 'a'].forEach((key, index) => wanted.add(key, index, [1, 2]));
  const turns = (key: string) => [1, 2, 3, 4].map(() => wanted.nextOf(key));
  assert.deepEqual(turns('a'), [0, 2, 4, undefined]);
  assert.deepEqual(turns('b'), [1, undefined, undefined, undefined]);
  assert.deepEqual(turns('unknown'), [undefined, undefined, undefined, undefined]);
  wanted.startOver();
  assert.deepEqual(turns('a'), [0, 2, 4, undefined]);
  assert.deepEqual(turns('c'), [3, undefined, undefined, undefined]);
});

test('what is missing is taken once, whatever the number of samples', () => {
  const wanted = new WantedAnswers(2, 70);
  wanted.add('a', 0, [1, 32, 33, 70]);
  wanted.add('b', 1, []);
  for (const sample of [1, 32, 33, 70]) {
    assert.equal(wanted.take(1, sample), false);
    assert.equal(wanted.take(0, sample), true);
    assert.equal(wanted.take(0, sample), false);
  }
  for (const sample of [2, 31, 34, 64, 69, 71, 96, 97, 1000]) assert.equal(wanted.take(0, sample), false);
});
