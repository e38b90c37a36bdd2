/** What lies in a folder is not trusted with a key: neither by the one who runs, nor by a worker. */
import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { PriceTable } from '../../src/prices/price-table.ts';
import type { Manifest } from '../../src/store/manifest/manifest.ts';
import { reply, startFakeProvider } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { answerInTerminal, hasTerminals } from '../support/terminal.ts';
import {
  batchIdIn,
  createWorkplace,
  newestResults,
  otherUser,
  promptTexts,
  testKey,
  type Workplace,
} from './workplace.ts';

const server = useTestServer();

async function changeManifest(folder: string, change: (manifest: Manifest) => void): Promise<void> {
  const revisions = join(folder, 'revisions');
  const files = [
    join(folder, 'batch.json'),
    ...(await readdir(revisions)).map((name) => join(revisions, name)),
  ];
  for (const file of files) {
    const manifest = JSON.parse(await readFile(file, 'utf8')) as Manifest;
    change(manifest);
    await writeFile(file, JSON.stringify(manifest));
  }
}

async function changePrompts(folder: string, change: (text: string) => string): Promise<void> {
  const file = join(folder, 'prompts', '00000.jsonl');
  await writeFile(file, change(await readFile(file, 'utf8')));
}

/** Nothing of it was run yet. */
async function detachedBatch(
  place: Workplace,
  flags: readonly string[] = [],
): Promise<{ file: string; folder: string; id: string }> {
  const file = await place.write('prompts.json', promptTexts(3));
  const { code, stderr } = await place.run(file, ['--detach', ...flags]);
  assert.equal(code, 0, stderr);
  const id = await batchIdIn(place.outputDir);
  return { file, folder: join(place.outputDir, id), id };
}

async function startThief(t: TestContext) {
  const thief = await startFakeProvider();
  t.after(() => thief.close());
  return thief;
}

const planted: { what: string; plant: (folder: string, thief: string) => Promise<void>; says: RegExp }[] = [
  {
    what: 'another address',
    plant: (folder, thief) => changeManifest(folder, ({ settings }) => void (settings.baseUrl = thief)),
    says: /it sends its prompts to http:\/\/127\S+ \(provider openai-compatible\), and what you typed goes to/,
  },
  {
    what: 'another provider',
    plant: (folder) => changeManifest(folder, ({ settings }) => void (settings.provider = 'openai')),
    says: /\(provider openai\), and what you typed goes to \S+ \(provider openai-compatible\)/,
  },
  {
    what: 'another model',
    plant: (folder) => changeManifest(folder, ({ settings }) => void (settings.model = 'dear-model')),
    says: /its prompt 1 is another one than that of your file, or is asked with other settings/,
  },
  {
    what: 'more completions',
    plant: (folder) => changeManifest(folder, ({ settings }) => void (settings.completions = 64)),
    says: /its prompt 1 is another one/,
  },
  {
    what: 'another text of a prompt',
    plant: (folder) => changePrompts(folder, (text) => text.replace('number 2', 'number 22')),
    says: /its prompt 2 is another one/,
  },
  {
    what: 'a prompt more in the manifest',
    plant: (folder) => changeManifest(folder, (manifest) => void (manifest.prompts = 4)),
    says: /it has 4 prompts, and your file has 3/,
  },
  {
    what: 'a prompt less in its file',
    plant: (folder) => changePrompts(folder, (text) => text.split('\n').slice(0, 2).join('\n') + '\n'),
    says: /its prompt 3 is another one/,
  },
];

for (const { what, plant, says } of planted) {
  test(`run refuses a planted batch of the same id and hash: ${what}`, async (t) => {
    const place = await createWorkplace(t, server);
    const { file, folder, id } = await detachedBatch(place);
    const thief = await startThief(t);
    await plant(folder, thief.baseUrl);
    const refused = await place.run(file, [], { env: await otherUser(t, server, place.env) });
    assert.equal(refused.code, 2, refused.stdout + refused.stderr);
    assert.match(refused.stderr, new RegExp(`${id} in .* was not started by you here`));
    assert.match(refused.stderr, says);
    assert.match(refused.stderr, /Nothing was sent/);
    assert.deepEqual([thief.requests, place.provider.requests], [0, 0]);
  });
}

test('a price table that was planted with a batch sets no price, and its cost cap holds', async (t) => {
  const usage = { prompt_tokens: 10, completion_tokens: 1000, total_tokens: 1010 };
  const place = await createWorkplace(t, server, { script: () => reply.ok({ usage }) });
  const file = await place.write('prompts.json', promptTexts(4));
  const asked = [
    ...['--provider', 'deepseek', '--model', 'deepseek-v4-pro', '--base-url', place.provider.baseUrl],
    ...['--max-tokens', '1000', '--max-workers', '1'],
  ];
  assert.equal((await place.run(file, asked)).code, 0);
  const bought = place.provider.requests;
  const { summary } = await newestResults(place.outputDir);
  assert.ok(summary.estimated_cost! > 0);

  // The same batch before its first run, beside tables by which everything is free.
  const id = await batchIdIn(place.outputDir);
  const folder = join(place.outputDir, id);
  await changeManifest(folder, (manifest) => void (manifest.runs = []));
  await rm(join(folder, 'ledger'), { recursive: true });
  const prices = join(folder, 'prices');
  const [name] = await readdir(prices);
  const table = JSON.parse(await readFile(join(prices, name!), 'utf8')) as PriceTable;
  const models = [{ match: { starts_with: '' }, prices: [{ input: 0, output: 0 }] }];
  const free = { ...table, providers: table.providers.map((provider) => ({ ...provider, models })) };
  await writeFile(join(prices, name!), JSON.stringify(free));

  const cap = String(summary.estimated_cost! / 2);
  const { code, stdout, stderr } = await place.run(file, [...asked, '--max-cost', cap], {
    env: await otherUser(t, server, place.env),
  });
  assert.equal(code, 5, stdout + stderr);
  assert.ok(place.provider.requests - bought < 4, stdout + stderr);
});

test('run goes on with what another user has started, if it is what was typed', async (t) => {
  const place = await createWorkplace(t, server);
  const { file } = await detachedBatch(place);
  const { code, stdout, stderr } = await place.run(file, [], { env: await otherUser(t, server, place.env) });
  assert.equal(code, 0, stdout + stderr);
  assert.equal(place.provider.requests, 3);
});

test('resume of a folder from elsewhere sends no variable anywhere before its address and name are typed', async (t) => {
  const place = await createWorkplace(t, server);
  const { folder, id } = await detachedBatch(place);
  const thief = await startThief(t);
  const steal = ({ settings, limits, runs }: Manifest): void => {
    settings.baseUrl = thief.baseUrl;
    for (const each of [limits, ...runs.map((run) => run.limits)]) each.apiKeyEnv = 'CLOUD_SECRET';
  };
  await changeManifest(folder, steal);
  const env = { ...(await otherUser(t, server, place.env)), CLOUD_SECRET: testKey };

  const status = await place.cli(['status', id, '--output-dir', 'out'], { env });
  assert.match(status.stdout, new RegExp(`Sends to +${thief.baseUrl} with the key in CLOUD_SECRET`));
  const { base_url: baseUrl, api_key_env: apiKeyEnv } = (
    await place.cli(['status', id, '--output-dir', 'out', '--json'], { env })
  ).lines[0]!;
  assert.deepEqual([baseUrl, apiKeyEnv], [thief.baseUrl, 'CLOUD_SECRET']);

  const confirmation = ['--base-url', thief.baseUrl, '--api-key-env', 'CLOUD_SECRET'];
  const more = await place.write('more.json', ['One more?']);
  for (const typed of [
    ['resume', id],
    ['resume', id, '--api-key-env', 'CLOUD_SECRET'],
    ['resume', id, '--base-url', thief.baseUrl],
    ['retry', id],
    ['add', id, more],
  ]) {
    const refused = await place.cli([...typed, '--output-dir', 'out'], { env });
    assert.equal(refused.code, 2, refused.stdout + refused.stderr);
    assert.ok(
      refused.stderr.includes(`to ${thief.baseUrl} with the key in CLOUD_SECRET. Nothing was sent.`),
      refused.stderr,
    );
    assert.ok(refused.stderr.includes(confirmation.join(' ')), refused.stderr);
  }
  const wrong = await place.cli(
    [
      'resume',
      id,
      '--output-dir',
      'out',
      '--base-url',
      place.provider.baseUrl,
      '--api-key-env',
      'CLOUD_SECRET',
    ],
    { env },
  );
  assert.equal(wrong.code, 2, wrong.stdout + wrong.stderr);
  assert.match(wrong.stderr, /The address is part of a batch/);
  assert.equal(thief.requests, 0);

  const typed = await place.cli(['resume', id, '--output-dir', 'out', ...confirmation], { env });
  assert.equal(typed.code, 0, typed.stdout + typed.stderr);
  assert.equal(thief.requests, 3);
});

test('what was confirmed once for a batch, address and variable is not asked again; another variable is', async (t) => {
  const place = await createWorkplace(t, server);
  const { id } = await detachedBatch(place);
  const own = await place.cli(['resume', id, '--api-key-env', 'OTHER_KEY'], {
    env: { ...place.env, OTHER_KEY: testKey },
  });
  assert.equal(own.code, 2, own.stdout + own.stderr);
  assert.match(own.stderr, /with the key in OTHER_KEY/);
  const resumed = await place.cli(['resume', id]);
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
});

test('on a terminal a yes confirms it, and anything else does not', { skip: !hasTerminals }, async (t) => {
  const place = await createWorkplace(t, server);
  const { id } = await detachedBatch(place);
  const env = await otherUser(t, server, place.env);
  for (const [answer, requests] of [
    ['n', 0],
    ['', 0],
    ['yes', 3],
  ] as const) {
    const { code, output } = await answerInTerminal(['resume', id, '--output-dir', 'out'], {
      ...{ cwd: place.folder, env, question: /Send them\? \[y\/N\]/, answer },
    });
    assert.equal(code, requests === 0 ? 2 : 0, output);
    assert.equal(place.provider.requests, requests);
  }
});

test('a worker leaves alone what its user has not started, until its address and variable are allowed', async (t) => {
  const place = await createWorkplace(t, server);
  const { id } = await detachedBatch(place);
  const env = await otherUser(t, server, place.env);
  const { baseUrl } = place.provider;
  const worker = async (flags: readonly string[], says: RegExp): Promise<void> => {
    const process = place.start(['worker', '--output-dir', 'out', ...flags], { env });
    await process.said(says);
    process.kill('SIGTERM');
    assert.equal((await process.ended).code, 0);
  };
  await worker([], new RegExp(`${id}: left alone\\. .*OPENAI_API_KEY to ${baseUrl}`));
  await worker(['--allow-base-url', `${baseUrl}=OTHER_KEY`], /left alone/);
  await worker(['--allow-base-url', `${baseUrl}/other`], /left alone/);
  assert.equal(place.provider.requests, 0);
  await worker(['--allow-base-url', 'https://example.com/v1', '--allow-base-url', baseUrl], /done/);
  assert.equal(place.provider.requests, 3);
});

test('a worker without a key has none to lose: it works on what others have started', async (t) => {
  const place = await createWorkplace(t, server);
  const { id } = await detachedBatch(place);
  const { OPENAI_API_KEY: _, ...env } = await otherUser(t, server, place.env);
  const worker = place.start(['worker', '--output-dir', 'out'], { env });
  await worker.said(new RegExp(`${id}: done`));
  worker.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
  assert.deepEqual(
    place.provider.requestsLog.map(({ headers }) => headers.authorization),
    [undefined, undefined, undefined],
  );
});

test('a provider at another address than its own is named', async (t) => {
  const place = await createWorkplace(t, server);
  const file = await place.write('prompts.json', promptTexts(1));
  const flags = ['--provider', 'deepseek', '--model', 'deepseek-flash', '--id', 'moved'];
  const { code, stderr } = await place.run(file, flags);
  assert.equal(code, 0, stderr);
  const words = `deepseek is reached at ${place.provider.baseUrl}, which is not its usual address (https://api.deepseek.com)`;
  assert.ok(stderr.includes(words), stderr);
  const status = await place.cli(['status', 'moved']);
  assert.match(status.stdout, /not the usual address of deepseek/);

  const handed = await place.run(file, [...flags.slice(0, -1), 'handed', '--new', '--detach']);
  assert.equal(handed.code, 0, handed.stderr);
  const worker = place.start(['worker', '--output-dir', 'out']);
  await worker.said(/handed: done/);
  worker.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
  assert.ok(worker.output.includes(`handed: ${words}`), worker.output);
});
