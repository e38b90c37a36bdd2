import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyIndex } from '../../../src/store/reuse/key-index.ts';

test('does what a map does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ maxLength: 1 }), fc.nat({ max: 2 ** 32 - 1 })), { maxLength: 100 }),
      (claims) => {
        const map = new Map<string, number>();
        const index = new KeyIndex();
        for (const [key, number] of claims) {
          assert.equal(index.get(key), map.get(key));
          if (!map.has(key)) map.set(key, number);
          assert.equal(index.claim(key, number), map.get(key));
        }
        assert.equal(index.size, map.size);
        for (const [key, number] of map) assert.equal(index.get(key), number);
      },
    ),
  );
});

test('keeps every number while it grows', () => {
  const index = new KeyIndex();
  const count = 50_000;
  for (let number = 0; number < count; number++) assert.equal(index.claim(`key ${number}`, number), number);
  for (let number = 0; number < count; number++) {
    assert.equal(index.get(`key ${number}`), number);
    assert.equal(index.claim(`key ${number}`, count), number);
  }
  assert.equal(index.get('key 50000'), undefined);
  assert.equal(index.size, count);
});
