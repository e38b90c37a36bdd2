import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { bundledTable } from '../../../src/prices/bundled-table.ts';
import type { PriceTable } from '../../../src/prices/price-table.ts';
import type { ManifestRun } from '../../../src/store/manifest/manifest.ts';
import {
  createRunPrices,
  keepPriceTable,
  priceTableOf,
  readRunPrices,
} from '../../../src/store/manifest/run-prices.ts';
import { StoreError } from '../../../src/store/store-error.ts';
import { manifestOf } from '../../report/support/report-fixtures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const tableOf = (price: number): PriceTable => ({
  ...{ format: 1, date: '2026-11-01', source: 'a test', calendars: {} },
  providers: [
    {
      ...{ id: 'openai', address: 'https://api\\.openai\\.com' },
      models: [{ match: { starts_with: '' }, prices: [{ input: price, output: price }] }],
    },
  ],
});
const ours = tableOf(7);
const free = JSON.stringify(tableOf(0));

const runOf = (run: number, price_table?: string): ManifestRun => ({
  ...{ run, started_at: '2026-11-30T00:00:00Z', limits: manifestOf(1).limits },
  ...(price_table !== undefined && { price_table }),
});

/** The file that holds a table in a folder of its own. */
async function fileFor(t: Parameters<typeof temporaryFolder>[0], table: PriceTable): Promise<string> {
  const hash = await keepPriceTable(await temporaryFolder(t), table);
  return `${hash}.json`;
}

const planted: Record<string, (file: string) => Promise<unknown>> = {
  'a file': (file) => writeFile(file, free),
  'a folder that stands in for a file': async (file) => {
    await mkdir(file);
    await writeFile(join(file, 'text'), free);
  },
  'a large file': (file) => writeFile(file, ' '.repeat(5 << 20)),
};
for (const [what, plant] of Object.entries(planted)) {
  test(`a run gets its own table where ${what} has its name`, async (t) => {
    const folder = await temporaryFolder(t);
    await mkdir(join(folder, 'prices'));
    await plant(join(folder, 'prices', await fileFor(t, ours)));
    const hash = await keepPriceTable(folder, ours);
    assert.deepEqual(await readRunPrices(folder, { runs: [runOf(1, hash)] }, 1), ours);
  });
}

test('runs of the same prices share a table, which is written once', async (t) => {
  const folder = await temporaryFolder(t);
  const hashes = await Promise.all([1, 2, 3].map(() => keepPriceTable(folder, ours)));
  const other = await keepPriceTable(folder, tableOf(8));
  assert.deepEqual(hashes, [hashes[0], hashes[0], hashes[0]]);
  assert.deepEqual(
    (await readdir(join(folder, 'prices'))).sort(),
    [`${hashes[0]}.json`, `${other}.json`].sort(),
  );
});

test('a table that was changed after its run began is refused, naming file and remedy', async (t) => {
  const folder = await temporaryFolder(t);
  const hash = await keepPriceTable(folder, ours);
  const file = join(folder, 'prices', `${hash}.json`);
  await writeFile(file, free);
  const runs = [runOf(1, hash)];
  const manifest = async () => manifestOf(1, { runs });
  const prices = createRunPrices({ folder, manifest, readManifest: manifest });
  for (const read of [() => readRunPrices(folder, { runs }, 1), () => prices(1)]) {
    await assert.rejects(read, (error: Error) => {
      assert.ok(error instanceof StoreError);
      assert.ok(error.message.startsWith(`${file} is not the price table that run 1 began with.`));
      assert.match(error.message, /Put the right file back; if it is lost/);
      return true;
    });
  }
  await keepPriceTable(folder, ours);
  assert.deepEqual(await prices(1), ours);
});

const removed: Record<string, (file: string) => Promise<unknown>> = {
  'the file': (file) => rm(file),
  'the folder': (file) => rm(dirname(file), { recursive: true }),
};
for (const [what, remove] of Object.entries(removed)) {
  test(`a table is refused while ${what} is gone, and used once it is back`, async (t) => {
    const folder = await temporaryFolder(t);
    const hash = await keepPriceTable(folder, ours);
    const file = join(folder, 'prices', `${hash}.json`);
    await remove(file);
    const runs = [runOf(1, hash)];
    const manifest = async () => manifestOf(1, { runs });
    const prices = createRunPrices({ folder, manifest, readManifest: manifest });
    const reads = [
      () => readRunPrices(folder, { runs }, 1),
      () => priceTableOf(folder, { runs }, 1),
      () => prices(1),
    ];
    for (const read of reads)
      await assert.rejects(read, (error: Error) => {
        assert.ok(error instanceof StoreError);
        assert.ok(error.message.startsWith(`${file}, the price table that run 1 began with, is missing.`));
        return true;
      });
    await keepPriceTable(folder, ours);
    assert.deepEqual(await prices(1), ours);
  });
}

test('a run that names no table has the bundled one, whatever lies there', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'prices'));
  await writeFile(join(folder, 'prices', 'run-1.json'), JSON.stringify(ours));
  const runs = [runOf(1), runOf(2)];
  const manifest = async () => manifestOf(1, { runs });
  const prices = createRunPrices({ folder, manifest, readManifest: manifest });
  assert.deepEqual([await prices(1), await prices(2), await prices(3)], Array(3).fill(bundledTable));
  assert.deepEqual(await priceTableOf(folder, { runs }, 1), bundledTable);
  assert.equal(await readRunPrices(folder, { runs }, 1), null);
});

test('a run that began after the manifest was read is looked up anew', async (t) => {
  const folder = await temporaryFolder(t);
  const hash = await keepPriceTable(folder, ours);
  const prices = createRunPrices({
    folder,
    manifest: async () => manifestOf(1, { runs: [runOf(1)] }),
    readManifest: async () => manifestOf(1, { runs: [runOf(1), runOf(2, hash)] }),
  });
  assert.deepEqual(await prices(2), ours);
});

test('a table that may not be used is refused each time, and used once it may', async (t) => {
  const folder = await temporaryFolder(t);
  const hash = await keepPriceTable(folder, ours);
  const manifest = async () => manifestOf(1, { runs: [runOf(1, hash), runOf(2)] });
  let allowed = '';
  const prices = createRunPrices(
    { folder, manifest, readManifest: manifest },
    (_, asked) => asked === allowed,
  );
  for (let time = 0; time < 2; time++)
    await assert.rejects(prices(1), /the prices of run 1 are not those that its user has started/);
  assert.deepEqual(await prices(2), bundledTable);
  allowed = hash;
  assert.deepEqual(await prices(1), ours);
});
