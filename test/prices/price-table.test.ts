import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundledTable } from '../../src/prices/bundled-table.ts';
import { type PriceTable, priceTableSchema } from '../../src/prices/price-table.ts';

function withExpression(regex: string, address = 'https://api\\.example\\.com'): PriceTable {
  const models = [{ match: { or: [{ regex }] }, prices: [{ input: 1, output: 1 }] }];
  return { ...bundledTable, providers: [{ id: 'example', address, models }] };
}

test('the bundled table has only expressions that a table may have', () => {
  assert.equal(priceTableSchema.safeParse(bundledTable).success, true);
});

for (const expression of [
  '(a+)+$',
  '(a|aa)*b',
  '^(\\w+\\s?)*$',
  '(?:a|aa){2,}$',
  '(.)\\1',
  '(?<x>a)\\k<x>',
  'a*a*a*$',
  `${'a?'.repeat(30)}${'a'.repeat(30)}`,
  `${'(a|a)'.repeat(30)}b`,
  'x'.repeat(501),
  '(',
]) {
  test(`refuses a table with the expression ${expression.slice(0, 40)}`, () => {
    assert.equal(priceTableSchema.safeParse(withExpression(expression)).success, false);
    assert.equal(priceTableSchema.safeParse(withExpression('x', expression)).success, false);
  });
}

for (const expression of [
  '^gpt-5\\.6-luna-\\d{4}-\\d{2}-\\d{2}$',
  '^(?!.*-[tT][tT][sS](?:$|-))',
  '\\)+[)*+?|]+',
]) {
  test(`takes a table with the expression ${expression}`, () => {
    assert.equal(priceTableSchema.safeParse(withExpression(expression)).success, true);
  });
}
