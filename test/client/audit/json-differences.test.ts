import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonDifferences, leafCount } from '../../../src/client/audit/json-differences.ts';

const cases: [string, unknown, unknown, [string, unknown, unknown][]][] = [
  ['equal values', { a: [1, { b: null }] }, { a: [1, { b: null }] }, []],
  ['another value deep inside', { a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }, [['a[1].b', 2, 3]]],
  ['a value that is missing', { a: 1 }, {}, [['a', 1, undefined]]],
  ['a value too many', {}, { a: 1 }, [['a', undefined, 1]]],
  ['a shorter list', [1, 2], [1], [['[1]', 2, undefined]]],
  ['a list instead of an object', { a: {} }, { a: [] }, [['a', {}, []]]],
  ['null instead of an object', { a: {} }, { a: null }, [['a', {}, null]]],
  [
    'a name that is special to JavaScript',
    JSON.parse('{"__proto__": 1}'),
    JSON.parse('{"__proto__": 2}'),
    [['__proto__', 1, 2]],
  ],
  ['a name that objects inherit', {}, { toString: 1 }, [['toString', undefined, 1]]],
];
for (const [title, expected, found, differences] of cases) {
  test(`finds ${title}`, () => {
    assert.deepEqual(
      jsonDifferences(expected, found).map(({ path, ...values }) => [path, values.expected, values.found]),
      differences,
    );
  });
}

test('counts the values that hold no others', () => {
  assert.equal(leafCount({ a: [1, { b: null }], c: 'x', d: [] }), 3);
});
