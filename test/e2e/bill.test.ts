/** The bill where providers count and charge in odd ways, and the price table it is made with. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundledTable } from '../../src/prices/bundled-table.ts';
import { BatchStore } from '../../src/store/batch-store.ts';
import { findOutputFolder } from '../../src/store/output-folder.ts';
import { type FakeRequest, reply } from '../support/fake-provider.ts';
import { rawProviders, startPricesServer } from '../support/prices-server.ts';
import { useTestServer } from '../support/temporal-server.ts';
import {
  batchIdIn,
  createWorkplace,
  manifestIn,
  newestResults,
  otherUser,
  promptTexts,
  readResults,
} from './workplace.ts';

const server = useTestServer();

/** $1 and $10 per million. */
const ownPrices = ['--price-input', '1', '--price-output', '10'];

test('tokens that only the total has are billed as reasoning', async (t) => {
  const usage = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 1030 };
  const place = await createWorkplace(t, server, { script: () => reply.ok({ usage }) });
  const file = await place.write('prompts.json', promptTexts(2));
  const { code, stderr } = await place.run(file, [...ownPrices, '--max-tokens', '2000']);
  assert.equal(code, 0, stderr);
  const { summary } = await readResults(place.outputDir);
  assert.deepEqual(
    [summary.prompt_tokens, summary.completion_tokens, summary.reasoning_tokens, summary.total_tokens],
    [20, 2040, 2000, 2060],
  );
  assert.equal(summary.estimated_cost, (20 * 1 + 2040 * 10) / 1e6);
  assert.equal(summary.bill.reasoning_tokens, 2000);
});

test('a server that counts one of several choices is asked for one at a time, and the report says so', async (t) => {
  // As llama.cpp does with `n`: the tokens of one choice.
  const script = ({ body }: FakeRequest) => {
    const usage = { prompt_tokens: 12, completion_tokens: 6, total_tokens: 18 };
    const text = Array.from({ length: body['n'] ?? 1 }, (_, choice) => `a b c ${choice}`);
    return reply.ok({ text, finishReason: 'length', usage });
  };
  const place = await createWorkplace(t, server, { script });
  const file = await place.write('prompts.json', promptTexts(6));
  const { code, stderr } = await place.run(file, [
    ...ownPrices,
    ...['--completions', '2', '--max-tokens', '6', '--max-workers', '1'],
  ]);
  assert.equal(code, 0, stderr);
  const asked = place.provider.requestsLog.map(({ body }) => body['n'] ?? 1);
  assert.deepEqual(asked, [2, ...Array.from({ length: 10 }, () => 1)]);
  const { summary, results } = await readResults(place.outputDir);
  assert.ok(results.every(({ completions }) => completions.length === 2));
  assert.match(summary.warnings.join('\n'), /The token count of 1 of 11 answers cannot be true/);
  assert.match(summary.warnings.join('\n'), /asked for one completion at a time/);
  assert.equal(summary.completion_tokens, 60);
  assert.equal(summary.estimated_cost, null);
});

test('"no token count came back" and "no price is known" are two sentences', async (t) => {
  const noCount = await createWorkplace(t, server, { script: () => reply.ok({ usage: null }) });
  const file = await noCount.write('prompts.json', promptTexts(2));
  assert.equal((await noCount.run(file, ownPrices)).code, 0);
  const uncounted = (await readResults(noCount.outputDir)).summary;
  assert.equal(uncounted.estimated_cost, null);
  assert.match(uncounted.warnings.join('\n'), /No token count came back with 2 of 2 answers/);
  assert.doesNotMatch(uncounted.warnings.join('\n'), /no price is known/);

  const noPrice = await createWorkplace(t, server);
  const other = await noPrice.write('prompts.json', promptTexts(2));
  assert.equal((await noPrice.run(other)).code, 0);
  const unpriced = (await readResults(noPrice.outputDir)).summary;
  assert.equal(unpriced.estimated_cost, null);
  assert.match(unpriced.warnings.join('\n'), /no price is known for model test-model/);
  assert.doesNotMatch(unpriced.warnings.join('\n'), /No token count/);
});

test('under a cap, the first answer that costs more than its request could pauses the batch', async (t) => {
  // Ten times as many tokens as `max_tokens` allows, and later an honest count.
  let factor = 100;
  const script = () =>
    reply.ok({
      usage: { prompt_tokens: 10, completion_tokens: 10 * factor, total_tokens: 10 + 10 * factor },
    });
  const place = await createWorkplace(t, server, { script });
  const file = await place.write('prompts.json', promptTexts(5));
  const flags = [...ownPrices, '--max-tokens', '100', '--max-workers', '1', '--id', 'dear', '--json'];
  const paused = await place.run(file, [...flags, '--max-cost', '1']);
  const left = paused.lines.at(-1)!;
  assert.deepEqual([paused.code, left['pause']?.reason], [5, 'budget'], paused.stdout + paused.stderr);
  assert.match(
    left['pause'].message,
    /An answer cost 0\.01001 USD, although its request could cost 0\.0\d+ USD at most/,
  );
  assert.equal(left['next_step'].command, 'durabatch resume dear');
  assert.equal(place.provider.requests, 1);
  assert.deepEqual([left['successful_items'], left['failed_items']], [1, 0]);

  factor = 1;
  const ended = await place.cli(['resume', 'dear', '--output-dir', 'out', '--json']);
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  assert.equal(place.provider.requests, 5);
  const { summary } = await newestResults(place.outputDir);
  assert.match(summary.warnings.join('\n'), /1 of 5 answers cost more than their requests could/);
  assert.equal(summary.estimated_cost, (5 * 10 * 1 + (1000 + 4 * 10) * 10) / 1e6);
});

test('without a cap such an answer is only warned of', async (t) => {
  const usage = { prompt_tokens: 10, completion_tokens: 10_000, total_tokens: 10_010 };
  const place = await createWorkplace(t, server, { script: () => reply.ok({ usage }) });
  const file = await place.write('prompts.json', promptTexts(3));
  const { code, stderr } = await place.run(file, [...ownPrices, '--max-tokens', '100', '--max-workers', '1']);
  assert.equal(code, 0, stderr);
  const { summary } = await readResults(place.outputDir);
  assert.match(summary.warnings.join('\n'), /1 of 3 answers cost more than their requests could/);
});

// ---------------------------------------------------------------- the price table

/** The table that a run was begun with. */
const tableOf = async (outputDir: string, run = 1) => {
  const id = await batchIdIn(outputDir);
  const { runs } = await manifestIn({ outputDir }, id);
  const { price_table: hash } = runs.find((each) => each.run === run)!;
  return JSON.parse(await readFile(join(outputDir, id, 'prices', `${hash}.json`), 'utf8'));
};
/** The stand-in answers as DeepSeek does at an address of one's own: a gateway to it. */
const deepSeekFlags = (baseUrl: string): string[] => [
  ...['--provider', 'deepseek', '--model', 'deepseek-v4-pro', '--base-url', baseUrl],
];
const dearDeepSeek = rawProviders((provider, prices) =>
  provider === 'deepseek' && typeof prices.output === 'number'
    ? { ...prices, output: 100 * prices.output }
    : prices,
);

test('each run keeps the table it began with, and the report tells its date', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(2));
  assert.equal((await place.run(file, deepSeekFlags(place.provider.baseUrl))).code, 0);
  const table = await tableOf(place.outputDir);
  assert.equal(table.date, bundledTable.date);
  assert.deepEqual(
    table.providers.map(({ id }: { id: string }) => id),
    ['deepseek'],
  );
  const { summary } = await readResults(place.outputDir);
  assert.equal(summary.prices.table_date, bundledTable.date);
  assert.equal(summary.prices.table_version, bundledTable.source);
});

test('the table of the run counts, whatever the version at hand has; an old one is warned of', async (t) => {
  let begun = (): void => undefined;
  const hold = new Promise<void>((resolve) => (begun = resolve));
  const place = await createWorkplace(t, server, {
    script: async ({ total }) => {
      if (total === 1) await hold;
      return undefined;
    },
  });
  const file = await place.write('prompts.json', promptTexts(3));
  const flags = [...deepSeekFlags(place.provider.baseUrl), '--detach'];
  assert.equal((await place.run(file, flags)).code, 0);
  // As a run that was begun in spring has it, with a price of its own.
  const id = await batchIdIn(place.outputDir);
  const old = {
    ...(await tableOf(place.outputDir)),
    ...{ date: '2026-03-01', source: 'a table of spring' },
    providers: [
      {
        ...{ id: 'deepseek', address: 'https://api\\.deepseek\\.com' },
        models: [{ match: { equals: 'deepseek-v4-pro' }, prices: [{ input: 1000, output: 2000 }] }],
      },
    ],
  };
  const text = JSON.stringify(old);
  const hash = createHash('sha256').update(text).digest('hex');
  await writeFile(join(place.outputDir, id, 'prices', `${hash}.json`), text);
  const store = new BatchStore(await findOutputFolder(place.outputDir), id, 'test');
  await store.updateManifest((manifest) => ({
    ...manifest,
    runs: manifest.runs.map((run) => ({ ...run, price_table: hash })),
  }));
  // Its own user would be asked about a table that no command of his has kept.
  const allowed = ['--allow-base-url', place.provider.baseUrl];
  const worker = place.start(['worker', '--output-dir', 'out', ...allowed]);
  begun();
  const ended = await place.cli(['watch', id, '--output-dir', 'out']);
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  worker.kill('SIGINT');
  await worker.ended;
  const { summary } = await readResults(place.outputDir);
  assert.equal(
    summary.estimated_cost,
    (summary.prompt_tokens * 1000 + summary.completion_tokens * 2000) / 1e6,
  );
  assert.equal(summary.prices.table_date, '2026-03-01');
  assert.match(summary.warnings.join('\n'), /The price table is of 2026-03-01, \d+ days before the run/);
});

test('a batch of an older version, which kept no table, is charged by the bundled one', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(2));
  assert.equal((await place.run(file, [...deepSeekFlags(place.provider.baseUrl), '--detach'])).code, 0);
  const id = await batchIdIn(place.outputDir);
  const store = new BatchStore(await findOutputFolder(place.outputDir), id, 'test');
  await store.updateManifest((manifest) => {
    const old = structuredClone(manifest);
    old.runs.forEach((run) => delete run.price_table);
    return old;
  });
  await rm(join(place.outputDir, id, 'prices'), { recursive: true });
  const ended = await place.cli(['resume', id, '--output-dir', 'out']);
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  const { summary } = await readResults(place.outputDir);
  assert.ok((summary.estimated_cost ?? 0) > 0);
  assert.equal(summary.prices.table_date, bundledTable.date);
  assert.equal(summary.prices.table_version, bundledTable.source);
});

test('a batch whose price table is missing pauses, and goes on in another run', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(2));
  assert.equal((await place.run(file, [...deepSeekFlags(place.provider.baseUrl), '--detach'])).code, 0);
  const id = await batchIdIn(place.outputDir);
  const [tables, aside] = [join(place.outputDir, id, 'prices'), join(place.folder, 'prices')];
  await rename(tables, aside);
  const [table] = await readdir(aside);
  const missing = new RegExp(`${table}, the price table that run 1 began with, is missing`);
  for (let time = 0; time < 2; time++) {
    const paused = await place.cli(['resume', id, '--output-dir', 'out']);
    assert.equal(paused.code, 5, paused.stdout + paused.stderr);
    assert.match(paused.stdout, /paused \(storage\)/);
  }
  const status = await place.cli(['status', id, '--output-dir', 'out']);
  assert.match(status.stdout, missing);
  const report = await place.cli(['report', id, '--output-dir', 'out']);
  assert.notEqual(report.code, 0);
  assert.match(report.stderr, missing);
  assert.equal(place.provider.requests, 0);

  const cancelled = await place.cli(['cancel', id, '--output-dir', 'out']);
  assert.match(cancelled.stderr, /was ended without a report/);
  const ended = await place.cli(['resume', id, '--output-dir', 'out']);
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  const { summary } = await readResults(place.outputDir);
  assert.equal(summary.successful_items, 2);
  assert.ok((summary.estimated_cost ?? 0) > 0);
});

test('doctor fetches the day’s prices, estimate and run use them, and a worker never asks', async (t) => {
  const prices = await startPricesServer(t, dearDeepSeek);
  const place = await createWorkplace(t, server);
  const env = await otherUser(t, server, place.env);
  const apart = { ...env, DURABATCH_PRICES_URL: prices.url };
  const file = await place.write('prompts.json', promptTexts(2));
  const flags = [...deepSeekFlags(place.provider.baseUrl), '--max-tokens', '100'];
  const costOf = async (own: NodeJS.ProcessEnv) =>
    (await place.cli(['estimate', file, ...flags, '--json'], { env: own })).lines.at(-1)!;

  const usual = await costOf({ ...apart, DURABATCH_PRICES_URL: 'off' });
  const doctor = await place.cli(['doctor', '--provider', 'simulated', '--json'], { env: apart });
  const check = doctor.lines[0]!['checks'].find(({ check: name }: { check: string }) => name === 'prices');
  const today = check.found.match(/of (\d{4}-\d\d-\d\d)/)?.[1];
  assert.match(check.found, /looked for on/);
  assert.equal(prices.requests, 1);
  const later = await costOf(apart);
  assert.ok(later['cost'].high > 50 * usual['cost'].high);
  assert.equal(later['prices_date'], today);
  assert.equal(usual['prices_date'], bundledTable.date);
  assert.equal(prices.requests, 1, 'asked twice a day');
  const files = (await readdir(join(env['DURABATCH_HOME']!, 'prices'))).sort();
  assert.equal(files.length, 3, files.join(', '));
  assert.deepEqual([files[0], files[2]], ['last-look.json', 'table.json']);
  assert.ok(files[1]!.startsWith(`look-${today}-`), files[1]);

  assert.equal((await place.run(file, [...flags, '--detach'], { env: apart })).code, 0);
  // At another address, the day is free for the worker too.
  const others = await startPricesServer(t, dearDeepSeek);
  const elsewhere = { ...apart, DURABATCH_PRICES_URL: others.url };
  const worker = place.start(['worker', '--output-dir', 'out'], { env: elsewhere });
  const id = await batchIdIn(place.outputDir);
  assert.equal((await place.cli(['watch', id, '--output-dir', 'out'], { env: apart })).code, 0);
  worker.kill('SIGINT');
  await worker.ended;
  assert.deepEqual([prices.requests, others.requests], [1, 0]);
  const { summary } = await readResults(place.outputDir);
  const [{ output_per_million: dear } = { output_per_million: 0 }] = summary.prices.used;
  assert.ok(dear! > 100, `${dear} USD per million tokens`);
  assert.equal(summary.prices.table_date, today);
  assert.ok(summary.estimated_cost! >= (summary.completion_tokens * dear!) / 1e6);
  await place.cli(['estimate', file, ...flags], { env: elsewhere });
  await others.asked;
});

test('--no-price-update asks for nothing', async (t) => {
  const prices = await startPricesServer(t, dearDeepSeek);
  const place = await createWorkplace(t, server);
  const env = { ...place.env, DURABATCH_PRICES_URL: prices.url };
  const file = await place.write('prompts.json', promptTexts(1));
  const flags = [...deepSeekFlags(place.provider.baseUrl), '--no-price-update'];
  assert.equal((await place.run(file, flags, { env })).code, 0);
  assert.equal((await place.cli(['estimate', file, ...flags], { env })).code, 0);
  const doctor = await place.cli(['doctor', '--provider', 'simulated', '--no-price-update'], { env });
  assert.match(
    doctor.stdout,
    /Prices +of \d{4}-\d\d-\d\d \(genai-prices .*\); newer ones are not looked for/,
  );
  assert.equal(prices.requests, 0);
});

test('where the prices never come, a run and an estimate do not wait for them', async (t) => {
  const silent = await startPricesServer(t, null);
  const place = await createWorkplace(t, server);
  const env = { ...place.env, DURABATCH_PRICES_URL: silent.url };
  const file = await place.write('prompts.json', promptTexts(1));
  const run = await place.run(file, deepSeekFlags(place.provider.baseUrl), { env });
  assert.equal(run.code, 0, run.stderr);
  assert.equal(silent.requests, 1, 'the run has asked');
  assert.equal((await tableOf(place.outputDir)).date, bundledTable.date);
  // The run has given it up: it is made good an hour later, not by each command.
  for (let times = 0; times < 2; times++)
    assert.equal((await place.cli(['estimate', file, '--provider', 'deepseek'], { env })).code, 0);
  assert.equal(silent.requests, 1);
});
