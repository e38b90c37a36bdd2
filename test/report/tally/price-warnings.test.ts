import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundledTable } from '../../../src/prices/bundled-table.ts';
import type { PriceTable } from '../../../src/prices/price-table.ts';
import { summarise } from '../../../src/report/summary.ts';
import type { BoughtAnswer } from '../../../src/store/ledger/outcome.ts';
import { boughtOf, manifestOf, outcomeOf, sourceOf, usageOf } from '../support/report-fixtures.ts';

const paid = { usage: usageOf(20, 10), costNanoUsd: 1_234_567 };
const table: PriceTable = { ...bundledTable, date: '2026-10-01' };

async function warningsOf(
  answer: Partial<BoughtAnswer>,
  {
    startedAt = '2026-10-10T00:00:00.000Z',
    priceTable = table,
  }: { startedAt?: string; priceTable?: PriceTable | null } = {},
): Promise<string> {
  const { limits } = manifestOf(1);
  const manifest = { runs: [{ run: 1, started_at: startedAt, limits }] };
  const source = sourceOf([outcomeOf('a', { paid, answers: [boughtOf('x', paid, answer)] })], { manifest });
  return (await summarise({ ...source, priceTable })).warnings.join('\n');
}

const ages: [startedAt: string, isWarned: boolean][] = [
  ['2026-10-01T12:00:00.000Z', false],
  ['2026-11-30T23:59:59.000Z', false],
  ['2026-12-01T00:00:00.000Z', true],
  ['2027-03-01T00:00:00.000Z', true],
];
for (const [startedAt, isWarned] of ages) {
  test(`a table of 2026-10-01 is ${isWarned ? 'too old' : 'new enough'} for a run of ${startedAt}`, async () => {
    assert.equal(/price table is of 2026-10-01/.test(await warningsOf({}, { startedAt })), isWarned);
  });
}

test('an old table is not warned of where it charged nothing, or is not known', async () => {
  const startedAt = '2027-03-01T00:00:00.000Z';
  const own = { inputPerMillion: 1, cachedPerMillion: 1, outputPerMillion: 1, source: 'user' } as const;
  assert.doesNotMatch(await warningsOf({ price: own }, { startedAt }), /price table/);
  assert.doesNotMatch(await warningsOf({}, { startedAt, priceTable: null }), /price table/);
});

const years: [at: string, year: string | null][] = [
  ['2026-10-05T02:00:00.000Z', null],
  ['2026-12-31T15:59:59.000Z', null],
  ['2026-12-31T16:00:00.000Z', '2027'],
  ['2027-06-01T02:00:00.000Z', '2027'],
];
for (const [at, year] of years) {
  test(`an answer of ${at} is charged ${year ? `without the holidays of ${year}` : 'with the holidays'}`, async () => {
    const warnings = await warningsOf({ at });
    const named = /public holidays of (\d+) are not in the price table/.exec(warnings)?.[1] ?? null;
    assert.equal(named, year);
  });
}

test('a model without working days is not warned of', async () => {
  const answer = { at: '2027-06-01T02:00:00.000Z', model: 'deepseek-v3.2' };
  assert.doesNotMatch(await warningsOf(answer), /public holidays/);
});
