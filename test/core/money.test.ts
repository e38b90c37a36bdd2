import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { nanoUsdToDecimal, nanoUsdToUsd } from '../../src/core/money.ts';

const decimals: [number | bigint, string][] = [
  [0, '0'],
  [1, '0.000000001'],
  [1_500_000, '0.0015'],
  [999_999_999, '0.999999999'],
  [1_000_000_000, '1'],
  [12_340_000_000, '12.34'],
  [-70, '-0.00000007'],
  [123_456_789_012_345_678_901n, '123456789012.345678901'],
];
for (const [nanoUsd, decimal] of decimals)
  test(`${nanoUsd} nano-USD are ${decimal} USD`, () => {
    assert.equal(nanoUsdToDecimal(nanoUsd), decimal);
  });

test('the decimal text is exact and has no exponent', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (nanoUsd) => {
      const text = nanoUsdToDecimal(nanoUsd);
      assert.match(text, /^\d+(\.\d*[1-9])?$/);
      const [whole = '', fraction = ''] = text.split('.');
      assert.equal(BigInt(whole + fraction.padEnd(9, '0')), BigInt(nanoUsd));
    }),
  );
});

test('up to a million dollars the JSON number gives back the nano-USD', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1e15 - 1 }), (nanoUsd) => {
      const parsed = JSON.parse(JSON.stringify(nanoUsdToUsd(nanoUsd))) as number;
      assert.equal(Math.round(parsed * 1e9), nanoUsd);
    }),
  );
});

test('an unknown cost stays unknown, a free one is 0', () => {
  assert.equal(nanoUsdToUsd(null), null);
  assert.equal(nanoUsdToUsd(0), 0);
});
