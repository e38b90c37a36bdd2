/** What a user has approved is a batch with its prompts, settings and limits, and not just its id. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundledTable } from '../../src/prices/bundled-table.ts';
import type { PriceTable } from '../../src/prices/price-table.ts';
import type { Manifest } from '../../src/store/manifest/manifest.ts';
import { useTestServer } from '../support/temporal-server.ts';
import {
  createWorkplace,
  batchIdIn,
  createGate,
  manifestIn,
  otherUser,
  promptTexts,
  readResults,
  type Workplace,
} from './workplace.ts';

const server = useTestServer();

const UNKNOWN = /has other prompts, settings, prices or limits than you have started or confirmed here/;

/** A batch of this user, and a copy of its output folder from which the ledger is missing. */
async function copiedBatch(
  t: TestContext,
): Promise<{ place: Workplace; id: string; copy: string; outputDir: string }> {
  const place = await createWorkplace(t, server);
  const flags = ['--detach', '--max-cost', '5', '--price-input', '1', '--price-output', '1'];
  const { code, stderr } = await place.run(await place.write('prompts.json', promptTexts(3)), flags);
  assert.equal(code, 0, stderr);
  const id = await batchIdIn(place.outputDir);
  const outputDir = join(place.folder, 'theirs');
  await cp(place.outputDir, outputDir, { recursive: true });
  const cancelled = await place.cli(['cancel', id, '--now']);
  assert.equal(cancelled.code, 0, cancelled.stderr);
  return { place, id, copy: join(outputDir, id), outputDir };
}

/** Writes every revision of the manifest in one folder, changed, to another. */
async function rewriteManifest(
  from: string,
  to: string,
  change: (manifest: Manifest) => void,
): Promise<void> {
  const revisions = (await readdir(join(from, 'revisions'))).map((name) => join('revisions', name));
  for (const name of ['batch.json', ...revisions]) {
    const manifest = JSON.parse(await readFile(join(from, name), 'utf8')) as Manifest;
    change(manifest);
    await writeFile(join(to, name), JSON.stringify(manifest));
  }
}

/** The batch before its first run, changed. */
const changeManifest = (folder: string, change: (manifest: Manifest) => void): Promise<void> =>
  rewriteManifest(folder, folder, (manifest) => {
    manifest.runs = [];
    change(manifest);
  });

const changes: { what: string; change: (folder: string) => Promise<void> }[] = [
  {
    what: 'another model',
    change: (folder) => changeManifest(folder, ({ settings }) => void (settings.model = 'dear-model')),
  },
  {
    what: 'more completions',
    change: (folder) => changeManifest(folder, ({ settings }) => void (settings.completions = 64)),
  },
  {
    what: 'another prompt',
    change: async (folder) => {
      await changeManifest(folder, () => {});
      const file = join(folder, 'prompts', '00000.jsonl');
      await writeFile(file, (await readFile(file, 'utf8')).replace('number 2', 'number 22'));
    },
  },
  {
    what: 'prompts that the manifest calls added',
    change: async (folder) => {
      await writeFile(
        join(folder, 'prompts', '00001-theirs.jsonl'),
        '{"prompt_id":"x","prompt":"Theirs?"}\n',
      );
      await changeManifest(folder, (manifest) => {
        const nobody = { source: null, by: null, reason: null };
        const added_at = new Date().toISOString();
        manifest.additions = [{ sha256: 'a', prompts: 1, stage: 'theirs', added_at, ...nobody }];
        manifest.prompts++;
        manifest.shards++;
      });
    },
  },
  {
    what: 'its own prompts added once more',
    change: async (folder) => {
      await cp(join(folder, 'prompts', '00000.jsonl'), join(folder, 'prompts', '00001-again.jsonl'));
      await changeManifest(folder, (manifest) => {
        const nobody = { source: null, by: null, reason: null };
        const added_at = new Date().toISOString();
        manifest.additions = [{ sha256: 'a', prompts: 3, stage: 'again', added_at, ...nobody }];
        manifest.prompts += 3;
        manifest.shards++;
      });
    },
  },
  {
    what: 'no cost cap',
    change: (folder) => changeManifest(folder, ({ limits }) => void (limits.maxCostNanoUsd = null)),
  },
  {
    what: 'a higher cost cap',
    change: (folder) => changeManifest(folder, ({ limits }) => void (limits.maxCostNanoUsd = 6e9)),
  },
  {
    what: 'prices under which the cap never holds',
    change: (folder) =>
      changeManifest(
        folder,
        ({ limits }) => void (limits.prices = { inputPerMillion: 0, outputPerMillion: 0 }),
      ),
  },
  {
    what: 'more attempts',
    change: (folder) => changeManifest(folder, ({ limits }) => void (limits.maxAttempts = 1000)),
  },
];

test('resume asks again before a changed copy of a batch gets a key', async (t) => {
  const { place, id, copy, outputDir } = await copiedBatch(t);
  const original = `${copy}-original`;
  await rename(copy, original);
  for (const { what, change } of changes) {
    await rm(copy, { recursive: true, force: true });
    await cp(original, copy, { recursive: true });
    await change(copy);
    const refused = await place.cli(['resume', id, '--output-dir', outputDir]);
    assert.equal(refused.code, 2, `${what}: ${refused.stdout}${refused.stderr}`);
    assert.match(refused.stderr, UNKNOWN, what);
    assert.match(refused.stderr, /Nothing was sent/, what);
    assert.equal(place.provider.requests, 0, what);
  }
  await rm(copy, { recursive: true });
  await cp(original, copy, { recursive: true });
  await changeManifest(copy, ({ limits }) => void (limits.maxCostNanoUsd = 4e9));
  const same = await place.cli(['resume', id, '--output-dir', outputDir]);
  assert.equal(same.code, 0, same.stdout + same.stderr);
  assert.equal(place.provider.requests, 3);
});

test('a worker leaves a batch alone whose prompts were changed', async (t) => {
  const place = await createWorkplace(t, server);
  const { code, stderr } = await place.run(await place.write('prompts.json', promptTexts(2)), ['--detach']);
  assert.equal(code, 0, stderr);
  const id = await batchIdIn(place.outputDir);
  const file = join(place.outputDir, id, 'prompts', '00000.jsonl');
  const asStarted = await readFile(file, 'utf8');
  await writeFile(file, asStarted.replace('number 2', 'number 22'));
  const worker = async (says: RegExp): Promise<void> => {
    const process = place.start(['worker', '--output-dir', 'out']);
    await process.said(says);
    process.kill('SIGTERM');
    assert.equal((await process.ended).code, 0);
  };
  await worker(new RegExp(`${id}: left alone`));
  assert.equal(place.provider.requests, 0);
  await writeFile(file, asStarted);
  await worker(new RegExp(`${id}: done`));
  assert.equal(place.provider.requests, 2);
});

test('what its user adds is approved, and what another user adds is asked about', async (t) => {
  const place = await createWorkplace(t, server);
  const { code, stderr } = await place.run(await place.write('prompts.json', promptTexts(2)));
  assert.equal(code, 0, stderr);
  const id = await batchIdIn(place.outputDir);

  const own = await place.cli(['add', id, await place.write('own.json', ['Mine?']), '--detach']);
  assert.equal(own.code, 0, own.stdout + own.stderr);
  const resumed = await place.cli(['resume', id]);
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  assert.equal(place.provider.requests, 3);

  const env = await otherUser(t, server, place.env);
  const typed = ['--base-url', place.provider.baseUrl, '--api-key-env', 'OPENAI_API_KEY'];
  const file = await place.write('theirs.json', ['Theirs?']);
  const theirs = await place.cli(['add', id, file, '--detach', '--output-dir', 'out', ...typed], { env });
  assert.equal(theirs.code, 0, theirs.stdout + theirs.stderr);
  const asked = await place.cli(['resume', id]);
  assert.equal(asked.code, 2, asked.stdout + asked.stderr);
  assert.match(asked.stderr, UNKNOWN);
  assert.equal(place.provider.requests, 3);
  const confirmed = await place.cli(['resume', id, ...typed]);
  assert.equal(confirmed.code, 0, confirmed.stdout + confirmed.stderr);
  assert.equal(place.provider.requests, 4);
});

test('a cost cap that its user has raised with set is not asked about', async (t) => {
  const place = await createWorkplace(t, server);
  const prices = ['--price-input', '1', '--price-output', '1'];
  const file = await place.write('prompts.json', promptTexts(2));
  const { code, stderr } = await place.run(file, ['--detach', '--max-cost', '5', ...prices]);
  assert.equal(code, 0, stderr);
  const id = await batchIdIn(place.outputDir);
  const worker = place.start(['worker', '--output-dir', 'out'], {
    env: { ...place.env, OPENAI_API_KEY: '' },
  });
  const set = await place.cli(['set', id, '--max-cost', '7']);
  assert.equal(set.code, 0, set.stdout + set.stderr);
  worker.kill('SIGTERM');
  await worker.ended;
  const resumed = await place.cli(['resume', id]);
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  assert.equal((await manifestIn(place, id)).limits.maxCostNanoUsd, 7e9);
});

test('a price table that lies in the folder before a run begins is not used', async (t) => {
  const { place, id, copy, outputDir } = await copiedBatch(t);
  await changeManifest(copy, () => {});
  const folder = join(copy, 'prices');
  const [name = ''] = await readdir(folder);
  const table = JSON.parse(await readFile(join(folder, name), 'utf8')) as object;
  await writeFile(join(folder, name), JSON.stringify({ ...table, source: 'planted' }));
  const resumed = await place.cli(['resume', id, '--output-dir', outputDir]);
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  const used = await readFile(join(folder, name));
  assert.equal(`${createHash('sha256').update(used).digest('hex')}.json`, name);
});

test('run goes on with no open batch whose limits allow more than its user has typed', async (t) => {
  const place = await createWorkplace(t, server);
  const flags = ['--max-cost', '5', '--price-input', '1', '--price-output', '1'];
  const file = await place.write('prompts.json', promptTexts(3));
  assert.equal((await place.run(file, [...flags, '--detach'])).code, 0);
  const folder = join(place.outputDir, await batchIdIn(place.outputDir));
  const original = `${folder}-original`;
  await cp(folder, original, { recursive: true });
  for (const change of [
    ({ limits }: Manifest) => void (limits.prices = { inputPerMillion: 0, outputPerMillion: 0 }),
    ({ limits }: Manifest) => void (limits.maxCostNanoUsd = null),
    ({ limits }: Manifest) => void (limits.retryEmpty = true),
  ]) {
    await rewriteManifest(original, folder, change);
    const { code, stderr } = await place.run(file, flags);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /is open with limits or prices that you have not set here/);
    assert.equal(place.provider.requests, 0);
  }
  await rm(folder, { recursive: true });
  await rename(original, folder);
  const { code, stderr } = await place.run(file, flags);
  assert.equal(code, 0, stderr);
  assert.equal(place.provider.requests, 3);
});

test('neither resume, run nor a worker spends by a price table that was put beside an open run', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(3));
  const flags = [
    ...['--provider', 'deepseek', '--model', 'deepseek-v4-pro', '--base-url', place.provider.baseUrl],
    ...['--max-cost', '1', '--max-tokens', '1000'],
  ];
  assert.equal((await place.run(file, [...flags, '--detach'])).code, 0);
  const id = await batchIdIn(place.outputDir);
  const folder = join(place.outputDir, id);
  const original = `${folder}-original`;
  await cp(folder, original, { recursive: true });

  const [name = ''] = await readdir(join(folder, 'prices'));
  const table = JSON.parse(await readFile(join(folder, 'prices', name), 'utf8')) as PriceTable;
  const models = [{ match: { starts_with: '' }, prices: [{ input: 0, output: 0 }] }];
  const providers = table.providers.map((provider) => ({ ...provider, models }));
  const text = JSON.stringify({ ...table, providers });
  const hash = createHash('sha256').update(text).digest('hex');
  await writeFile(join(folder, 'prices', `${hash}.json`), text);
  for (const hideIt of [false, true]) {
    await rewriteManifest(original, folder, ({ runs }) => {
      const [run] = runs;
      if (!run) return;
      if (hideIt) runs.push({ ...run, run: 2 });
      run.price_table = hash;
    });
    const resumed = await place.cli(['resume', id]);
    assert.equal(resumed.code, 2, resumed.stdout + resumed.stderr);
    assert.match(resumed.stderr, UNKNOWN);
  }
  const run = await place.run(file, flags);
  assert.equal(run.code, 2, run.stdout + run.stderr);
  assert.match(run.stderr, /is open with limits or prices that you have not set here/);
  const worker = place.start(['worker', '--output-dir', 'out']);
  await worker.said(new RegExp(`${id}: left alone`));
  worker.kill('SIGTERM');
  await worker.ended;
  assert.equal(place.provider.requests, 0);

  await rewriteManifest(original, folder, () => {});
  const { code, stderr } = await place.cli(['resume', id]);
  assert.equal(code, 0, stderr);
  assert.equal(place.provider.requests, 3);
});

test('a run without a table of its own is charged by the bundled one, whatever lies beside it', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(1));
  const flags = [
    '--provider',
    'deepseek',
    '--model',
    'deepseek-v4-pro',
    '--base-url',
    place.provider.baseUrl,
  ];
  assert.equal((await place.run(file, [...flags, '--detach'])).code, 0);
  const id = await batchIdIn(place.outputDir);
  const folder = join(place.outputDir, id);
  const original = `${folder}-original`;
  await cp(folder, original, { recursive: true });
  const [name = ''] = await readdir(join(folder, 'prices'));
  const table = JSON.parse(await readFile(join(folder, 'prices', name), 'utf8')) as PriceTable;
  const free = table.providers.map((provider) => ({ ...provider, models: [] }));
  for (const each of ['run-1', 'undefined'])
    await writeFile(join(folder, 'prices', `${each}.json`), JSON.stringify({ ...table, providers: free }));
  await rewriteManifest(original, folder, ({ runs }) => runs.forEach((run) => delete run.price_table));
  const resumed = await place.cli(['resume', id]);
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  const { summary } = await readResults(place.outputDir);
  assert.ok(summary.estimated_cost! > 0);
});

test('prices that are changed in the folder of a batch that is worked on charge nothing', async (t) => {
  const gate = createGate();
  const place = await createWorkplace(t, server, { script: gate.script });
  const file = await place.write('prompts.json', promptTexts(4));
  const run = place.startRun(file, [
    ...['--provider', 'deepseek', '--model', 'deepseek-v4-pro', '--max-workers', '1'],
    ...['--max-cost', '1', '--max-tokens', '1000'],
  ]);
  await place.provider.until(() => place.provider.inFlight === 1);
  const folder = join(place.outputDir, await batchIdIn(place.outputDir));
  const newest = (await readdir(join(folder, 'revisions'))).sort().at(-1)!;
  const number = Number.parseInt(newest, 10) + 1;
  const next = join(folder, 'revisions', `${String(number).padStart(6, '0')}.json`);
  const manifest = JSON.parse(await readFile(join(folder, 'revisions', newest), 'utf8')) as Manifest;
  manifest.limits.prices = { inputPerMillion: 0, outputPerMillion: 0 };
  await writeFile(next, JSON.stringify({ ...manifest, revision: number }));
  // What is in flight is charged as it was sent. The manifest is read anew once a second.
  await sleep(1500);
  gate.open();
  const { code, stdout } = await run.ended;
  assert.equal(code, 5, stdout);
  assert.match(stdout, /paused \(account\): .*changed since/);
  assert.equal(place.provider.requests, 1);
});

/** Prices of a day later than the bundled ones, as if they had been fetched. */
async function newerPrices(home: string): Promise<void> {
  const date = new Date(Date.parse(bundledTable.date) + 86_400_000).toISOString().slice(0, 10);
  await mkdir(join(home, 'prices'), { recursive: true });
  await writeFile(join(home, 'prices', 'table.json'), JSON.stringify({ ...bundledTable, date }));
}

test('an open batch of this user goes on with another key variable after newer prices have come', async (t) => {
  const place = await createWorkplace(t, server);
  const withBoth = { ...place.env, OTHER_API_KEY: 'another+test+key+0123456789' };
  const env = await otherUser(t, server, withBoth);
  const file = await place.write('prompts.json', promptTexts(2));
  const flags = ['--provider', 'deepseek', '--model', 'deepseek-v4-pro'];
  assert.equal((await place.run(file, [...flags, '--detach'], { env })).code, 0);
  // Its prices are no longer those that a run would begin with.
  await newerPrices(env['DURABATCH_HOME']!);
  const { code, stdout, stderr } = await place.run(file, [...flags, '--api-key-env', 'OTHER_API_KEY'], {
    env,
  });
  assert.equal(code, 0, stdout + stderr);
});

test('a batch of another home that is over goes on here by the prices of here', async (t) => {
  const place = await createWorkplace(t, server);
  const env = await otherUser(t, server, place.env);
  await newerPrices(env['DURABATCH_HOME']!);
  const file = await place.write('prompts.json', promptTexts(2));
  const flags = ['--provider', 'deepseek', '--model', 'deepseek-v4-pro'];
  assert.equal((await place.run(file, [...flags, '--detach'], { env })).code, 0);
  const id = await batchIdIn(place.outputDir);
  assert.equal((await place.cli(['cancel', id, '--now'], { env })).code, 0);
  const { code, stdout, stderr } = await place.run(file, flags);
  assert.equal(code, 0, stdout + stderr);
  const { runs } = await manifestIn(place, id);
  assert.equal(new Set(runs.map(({ price_table: hash }) => hash)).size, 2);
});
