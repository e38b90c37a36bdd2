import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shardOfPrompt, shardRange } from '../../src/core/shard-range.ts';

test('shards of what was added begin anew, whatever the last shard before holds', () => {
  const layout = { prompts: 1243, shardSize: 500, parts: [1200, 1, 42] };
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((shard) => shardRange(layout, shard)),
    [
      { first: 1, last: 500 },
      { first: 501, last: 1000 },
      { first: 1001, last: 1200 },
      { first: 1201, last: 1201 },
      { first: 1202, last: 1243 },
    ],
  );
  assert.throws(() => shardRange(layout, 5), /there is no shard 5: the batch has 5/);
  assert.throws(() => shardOfPrompt(layout, 1243), /there is no prompt 1243/);
});

test('every prompt is in one shard, of at most the size of one', () => {
  const parts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(parts, fc.integer({ min: 1, max: 9 }), (counts, shardSize) => {
      const prompts = counts.reduce((sum, count) => sum + count, 0);
      const layout = { prompts, shardSize, parts: counts };
      let next = 1;
      for (let shard = 0; next <= prompts; shard++) {
        const { first, last } = shardRange(layout, shard);
        assert.equal(first, next);
        assert.ok(last >= first && last - first < shardSize);
        for (let number = first; number <= last; number++)
          assert.equal(shardOfPrompt(layout, number - 1), shard);
        next = last + 1;
      }
    }),
  );
});
