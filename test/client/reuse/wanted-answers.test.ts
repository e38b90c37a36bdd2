import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Origin } from '../../../src/store/reuse/answer-index.ts';
import { WantedAnswers } from '../../../src/client/reuse/wanted-answers.ts';

const keyOf = (text: string, maxTokens = 256) => ({
  digest: createHash('sha256').update(text).digest().subarray(0, 16),
  maxTokens,
});

let origins = 0;
const offer = (
  text: string,
  sample: number,
  changes: { origin?: Origin; maxTokens?: number; isComplete?: boolean } = {},
) => ({
  key: keyOf(text, changes.maxTokens),
  origin: changes.origin ?? { answer: `answer ${origins++}`, sample: 1 },
  sample,
  isComplete: changes.isComplete ?? true,
});

function wantedOf(
  rows: [text: string, missing: number[] | number, options?: { isSeeded?: boolean; maxTokens?: number }][],
): WantedAnswers {
  const wanted = new WantedAnswers();
  rows.forEach(([text, missing, { isSeeded = false, maxTokens = 256 } = {}], index) =>
    wanted.add({ key: keyOf(text, maxTokens), index, missing, isSeeded }),
  );
  return wanted;
}

test('answers go to the first prompt of their key that lacks one, under the same number where it is free', () => {
  const wanted = wantedOf([
    ['a', [2, 3]],
    ['b', 1],
    ['a', 2],
  ]);
  const given = [2, 2, 1, 9, 1].map((sample) => wanted.give(offer('a', sample)));
  assert.deepEqual(given, [
    { index: 0, sample: 2 },
    { index: 0, sample: 3 },
    { index: 2, sample: 1 },
    { index: 2, sample: 2 },
    null,
  ]);
  assert.equal(wanted.wants(keyOf('a')), false);
  assert.equal(wanted.wants(keyOf('b')), true);
  assert.equal(wanted.wants(keyOf('c')), false);
});

test('a prompt that gets everything leaves the others in their order, wherever it stands', () => {
  const wanted = wantedOf([
    ['a', 1, { maxTokens: 100 }],
    ['a', 1, { maxTokens: 200 }],
    ['a', 1, { maxTokens: 300 }],
  ]);
  const give = (maxTokens: number) => wanted.give(offer('a', 1, { maxTokens }))?.index;
  assert.deepEqual([give(300), give(200), give(200), give(100), give(100)], [2, 1, undefined, 0, undefined]);
  wanted.add({ key: keyOf('a', 100), index: 7, missing: 1, isSeeded: false });
  assert.equal(give(100), 7);
});

test('with a seed each answer keeps its number', () => {
  const wanted = wantedOf([
    ['a', 2, { isSeeded: true }],
    ['a', 2, { isSeeded: true }],
  ]);
  const given = [2, 3, 2, 2, 1].map((sample) => wanted.give(offer('a', sample)));
  assert.deepEqual(given, [
    { index: 0, sample: 2 },
    null,
    { index: 1, sample: 2 },
    null,
    { index: 0, sample: 1 },
  ]);
});

test('no answer is given twice, nor one that is there', () => {
  const wanted = wantedOf([['a', 5]]);
  const [first, second] = [1, 2].map((sample) => ({ answer: 'x', sample }));
  wanted.hold(first!);
  assert.equal(wanted.give(offer('a', 1, { origin: first! })), null);
  assert.notEqual(wanted.give(offer('a', 1, { origin: second! })), null);
  assert.equal(wanted.give(offer('a', 1, { origin: second! })), null);
});

test('of a smaller token limit only complete answers do, and only where they are wanted', () => {
  const wanted = wantedOf([['a', 3, { maxTokens: 500 }]]);
  const small = { maxTokens: 100 };
  assert.equal(wanted.wants(keyOf('a', 100)), false);
  assert.equal(wanted.wants(keyOf('a', 100), true), true);
  assert.equal(wanted.wants(keyOf('a', 900), true), false);
  assert.equal(wanted.give(offer('a', 1, small)), null);
  assert.equal(wanted.give(offer('a', 1, { ...small, isComplete: false }), true), null);
  assert.deepEqual(wanted.give(offer('a', 1, small), true), { index: 0, sample: 1 });
  assert.deepEqual(wanted.give(offer('a', 1, { maxTokens: 500, isComplete: false }), true), {
    index: 0,
    sample: 2,
  });
  assert.equal(wanted.give(offer('a', 1, { maxTokens: 900 }), true), null);
});
