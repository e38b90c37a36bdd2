import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { lastLook, startPriceUpdate, tableAtHand } from '../../../src/client/prices/price-updates.ts';
import { bundledTable } from '../../../src/prices/bundled-table.ts';
import { priceOf } from '../../../src/providers/pricing/prices.ts';
import { rawProviders, startPricesServer } from '../../support/prices-server.ts';
import { until } from '../../support/until.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const DAY_MS = 86_400_000;
/** After the bundled table's own day, whenever it is made anew. */
const today = new Date(Date.parse(bundledTable.date) + 10 * DAY_MS + 12 * 3_600_000);
const day = (at: Date): string => at.toISOString().slice(0, 10);

async function place(t: TestContext, pricesUrl: string | null) {
  const config = { home: await temporaryFolder(t), pricesUrl };
  const look = (now = today, wanted = true) => startPriceUpdate(config, { wanted, now }).done;
  return { config, look };
}

const doubled = rawProviders((provider, prices) =>
  provider === 'openai' && typeof prices.input === 'number' ? { ...prices, input: 2 * prices.input } : prices,
);
const openAi = { provider: 'openai', baseUrl: 'https://api.openai.com/v1', model: 'gpt-4.1' } as const;

test('the day’s table is fetched, and is what runs begin with', async (t) => {
  const { url } = await startPricesServer(t, doubled);
  const { config, look } = await place(t, url);
  await look();
  assert.equal((await lastLook(config))?.trouble, null);
  const table = await tableAtHand(config);
  assert.equal(table.date, day(today));
  const [before, after] = [bundledTable, table].map((each) => priceOf({ ...openAi, table: each }, today));
  assert.equal(after?.inputPerMillion, 2 * before!.inputPerMillion!);
});

test('DeepSeek’s working days are kept in a table that was fetched', async (t) => {
  const { url } = await startPricesServer(t, rawProviders());
  const { config, look } = await place(t, url);
  await look();
  const table = await tableAtHand(config);
  assert.notEqual(table, bundledTable);
  const key = {
    provider: 'deepseek',
    baseUrl: 'https://api.deepseek.com',
    model: 'deepseek-flash',
    table,
  } as const;
  assert.equal(priceOf(key, new Date('2026-11-05T02:00:00Z'))?.inputPerMillion, 0.3);
  assert.equal(priceOf(key, new Date('2026-11-07T02:00:00Z'))?.inputPerMillion, 0.15);
});

test('newer figures for DeepSeek win over the overlay, and keep to its working days', async (t) => {
  const dearer = rawProviders((provider, prices) =>
    provider === 'deepseek' && typeof prices.input === 'number'
      ? { ...prices, input: 10 * prices.input }
      : prices,
  );
  const { url } = await startPricesServer(t, dearer);
  const { config, look } = await place(t, url);
  await look();
  const table = await tableAtHand(config);
  const key = {
    provider: 'deepseek',
    baseUrl: 'https://api.deepseek.com',
    model: 'deepseek-flash',
    table,
  } as const;
  assert.equal(priceOf(key, new Date('2026-11-05T02:00:00Z'))?.inputPerMillion, 3);
  assert.equal(priceOf(key, new Date('2026-11-07T02:00:00Z'))?.inputPerMillion, 1.5);
});

test('it is asked for once a day', async (t) => {
  const server = await startPricesServer(t, rawProviders());
  const { config, look } = await place(t, server.url);
  await Promise.all([look(), look(), look()]);
  await look();
  assert.equal(server.requests, 1);
  const tomorrow = new Date(today.getTime() + DAY_MS);
  await look(tomorrow);
  assert.equal(server.requests, 2);
  assert.equal((await tableAtHand(config)).date, day(tomorrow));
  const claims = (await readdir(join(config.home, 'prices'))).filter((name) => name.startsWith('look-'));
  assert.equal(claims.length, 1);
  assert.ok(claims[0]!.startsWith(`look-${day(tomorrow)}-`), claims[0]);
});

test('an address that was put right is asked on the same day, and once', async (t) => {
  const server = await startPricesServer(t, rawProviders());
  const { config, look } = await place(t, 'no address');
  await look();
  assert.match((await lastLook(config))?.trouble ?? '', /Invalid URL/);
  const corrected = { ...config, pricesUrl: server.url };
  await startPriceUpdate(corrected, { wanted: true, now: today }).done;
  assert.equal((await lastLook(config))?.trouble, null);
  await startPriceUpdate(corrected, { wanted: true, now: today }).done;
  await look();
  assert.equal(server.requests, 1);
  assert.equal((await lastLook(config))?.trouble, null);
});

test('nothing is asked where that is not wanted, or no address is set', async (t) => {
  const server = await startPricesServer(t, rawProviders());
  const wanting = await place(t, server.url);
  await wanting.look(today, false);
  const off = await place(t, null);
  await off.look();
  assert.equal(server.requests, 0);
  assert.equal(await tableAtHand(wanting.config), bundledTable);
});

const withUnknownConstraint = rawProviders().map((provider) =>
  provider.id === 'deepseek'
    ? {
        ...provider,
        models: provider.models.map((model) => ({
          ...model,
          prices: [
            {
              constraint: { type: 'days_of_week', days: ['mon'] },
              prices: { input_mtok: 1, output_mtok: 1 },
            },
          ],
        })),
      }
    : provider,
);
const stale = rawProviders().map((provider) => ({
  ...provider,
  models: provider.models.map((model) => ({
    ...model,
    prices: model.prices.slice(0, 1).map(({ prices }) => ({ prices })),
  })),
}));
const refused: [title: string, body: unknown, status: number, why: RegExp][] = [
  ['of another format', { version: 3, providers: [] }, 200, /format is not known/],
  [
    'with a restriction that is not understood',
    withUnknownConstraint,
    200,
    /format is not known: provider "deepseek"/,
  ],
  [
    'with a price that is no number',
    [{ ...rawProviders()[0], models: [{ match: { equals: 'x' }, prices: { input_mtok: 'free' } }] }],
    200,
    /format is not known/,
  ],
  [
    'that is smaller',
    rawProviders().slice(0, 10),
    200,
    /has prices for \d+ models, the bundled table for \d+/,
  ],
  ['that is empty', [], 200, /has prices for 0 models/],
  ['that is older', stale, 200, /older than the bundled table/],
  ['that is no JSON', '<html>please log in</html>', 200, /JSON/],
  ['that is cut off', JSON.stringify(rawProviders()).slice(0, 5000), 200, /JSON/],
  ['with an error', { message: 'no' }, 503, /answers with 503/],
];
for (const [title, body, status, why] of refused) {
  test(`a table ${title} is not taken: the bundled one is used, and the reason is kept`, async (t) => {
    const { url } = await startPricesServer(t, body, status);
    const { config, look } = await place(t, url);
    await look();
    assert.match((await lastLook(config))?.trouble ?? '', why);
    assert.equal(await tableAtHand(config), bundledTable);
  });
}

test('an address without TLS is not asked, unless it is this machine’s', async (t) => {
  const { config, look } = await place(t, 'http://prices.example.org/data.json');
  await look();
  assert.match((await lastLook(config))?.trouble ?? '', /not https/);
});

test('where nobody listens, the bundled table is used', async (t) => {
  const { config, look } = await place(t, 'http://127.0.0.1:9/data.json');
  await look();
  assert.match((await lastLook(config))?.trouble ?? '', /ECONNREFUSED|bad port/);
  assert.equal(await tableAtHand(config), bundledTable);
});

test('a look that is given up is made good an hour later, once', async (t) => {
  const silent = await startPricesServer(t, null);
  const { config } = await place(t, silent.url);
  const giveUp = async (now: Date): Promise<void> => {
    const asked = silent.requests + 1;
    const update = startPriceUpdate(config, { wanted: true, now });
    await until(() => silent.requests === asked);
    update.stop();
    await update.done;
  };
  const look = (now: Date) => startPriceUpdate(config, { wanted: true, now }).done;
  const later = (minutes: number): Date => new Date(today.getTime() + minutes * 60_000);
  await giveUp(today);
  assert.equal(await lastLook(config), null);
  await Promise.all([0, 1, 59].map((minutes) => look(later(minutes))));
  assert.equal(silent.requests, 1);
  await giveUp(later(60));
  await Promise.all([60, 61, 119].map((minutes) => look(later(minutes))));
  assert.equal(silent.requests, 2);
  silent.serve(rawProviders());
  await Promise.all([look(later(120)), look(later(120)), look(later(121))]);
  assert.equal((await lastLook(config))?.trouble, null);
  await look(later(300));
  assert.equal(silent.requests, 3);
});

test('a table that was damaged on disk, or that the bundled one has overtaken, is not used', async (t) => {
  const { config } = await place(t, null);
  await mkdir(join(config.home, 'prices'));
  const keep = (text: string) => writeFile(join(config.home, 'prices', 'table.json'), text);
  await keep('{"format":1,');
  assert.equal(await tableAtHand(config), bundledTable);
  await keep(JSON.stringify({ ...bundledTable, date: '2026-01-01' }));
  assert.equal(await tableAtHand(config), bundledTable);
  await keep(JSON.stringify({ ...bundledTable, date: day(today) }));
  assert.equal((await tableAtHand(config)).date, day(today));
});

test('a home that cannot be written hinders nothing', async (t) => {
  const server = await startPricesServer(t, rawProviders());
  const home = join(await temporaryFolder(t), 'a-file');
  await writeFile(home, '');
  const config = { home, pricesUrl: server.url };
  await startPriceUpdate(config, { wanted: true, now: today }).done;
  assert.equal(server.requests, 0);
  assert.equal(await tableAtHand(config), bundledTable);
});
