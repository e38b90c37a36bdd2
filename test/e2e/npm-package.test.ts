/** The package as npm delivers it: packed, installed without development packages, and used from there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { npmProgram, programs, root } from '../../scripts/project.mjs';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';
import { startFakeProvider } from '../support/fake-provider.ts';
import { LONGEST_WAIT_MS } from '../support/until.ts';

interface Manifest {
  version: string;
  bin: { durabatch: string };
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

const run = promisify(execFile);
const readJson = async (...path: string[]) => JSON.parse(await readFile(join(...path), 'utf8'));

let server: TestServer;
/** A project of somebody who has installed durabatch. */
let project: string;
let installed: string;
let manifest: Manifest;

before(async () => {
  server = await startTestServer();
  project = await mkdtemp(join(tmpdir(), 'durabatch-test-'));
  installed = join(project, 'node_modules', 'durabatch');
  manifest = await readJson(root, 'package.json');
  await installPackage();
});
after(async () => {
  await rm(project, { recursive: true, force: true, maxRetries: 5 });
  await server.stop();
});

/** Installs the versions of the lock file, so that a later release of another package fails no test. */
async function installPackage(): Promise<void> {
  const { lockfileVersion, packages } = await readJson(root, 'package-lock.json');
  const { dependencies } = manifest;
  const runtime = Object.entries<{ dev?: boolean }>(packages).filter(
    ([path, { dev }]) => path !== '' && !dev,
  );
  const lock = { lockfileVersion, packages: { '': { dependencies }, ...Object.fromEntries(runtime) } };
  await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, dependencies }));
  await writeFile(join(project, 'package-lock.json'), JSON.stringify(lock));
  const npm = (args: string[], cwd: string) => run(process.execPath, [npmProgram(), ...args], { cwd });
  await npm(['pack', '--ignore-scripts', '--pack-destination', project], root);
  await npm(
    [
      ...['install', `./durabatch-${manifest.version}.tgz`, '--omit=dev', '--ignore-scripts'],
      ...['--prefix', project, '--prefer-offline', '--no-audit', '--no-fund'],
    ],
    project,
  );
}

const inProject = (program: string, args: string[]) =>
  run(process.execPath, [program, ...args], {
    cwd: project,
    env: server.env,
    timeout: LONGEST_WAIT_MS,
  });
const cli = (...args: string[]) => inProject(join(installed, manifest.bin.durabatch), args);

/** Paths of all files in the installed package that end as given, with forward slashes. */
const filesEnding = async (ending: string): Promise<string[]> =>
  (await readdir(installed, { recursive: true }))
    .filter((name) => name.endsWith(ending))
    .map((name) => name.replaceAll('\\', '/'));

describe('the npm package', () => {
  test('installs the packages it loads at run time, and none of those it bundles', () => {
    for (const name of Object.keys(manifest.dependencies))
      assert.ok(existsSync(join(project, 'node_modules', name)), name);
    for (const name of [
      'commander',
      'dotenv',
      'env-paths',
      'js-tiktoken',
      'stream-json',
      'undici',
      'yauzl',
    ]) {
      assert.ok(manifest.devDependencies[name], `${name} is bundled`);
      assert.ok(!existsSync(join(project, 'node_modules', name)), `${name} is not installed`);
    }
  });

  test('names its version and its commands', async () => {
    assert.equal((await cli('--version')).stdout, `${manifest.version}\n`);
    assert.match((await cli('--help')).stdout, /^Usage: durabatch [^]*\n {2}run [^]*\n {2}audit /);
  });

  test('runs, audits and estimates a simulated batch', async () => {
    const file = join(installed, 'prompts', 'sample_batch.json');
    const { stdout } = await cli(
      ...['run', file, '--provider', 'simulated', '--simulate-latency', '1ms'],
      ...['--output-dir', 'out', '--json'],
    );
    const { state } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
    assert.equal(state, 'succeeded', stdout);
    const names = await readdir(join(project, 'out'));
    for (const ending of ['.json', '.csv']) {
      const report = names.find((name) => name.startsWith('batch_results_') && name.endsWith(ending));
      assert.ok(report, names.join(', '));
    }
    assert.match((await cli('audit', '@last', '--output-dir', 'out')).stdout, /audit: equal/);
    assert.match((await cli('estimate', file)).stdout, /tokens counted with o200k_base/);
  });

  test('asks a provider', async (t) => {
    const provider = await startFakeProvider();
    t.after(() => provider.close());
    const { stdout } = await cli(
      ...['run', join(installed, 'prompts', 'sample_items.json'), '--completions', '1'],
      ...['--provider', 'openai-compatible', '--base-url', provider.baseUrl, '--model', 'test-model'],
      ...['--output-dir', 'asked', '--json'],
    );
    const { state, successful_items } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
    assert.deepEqual([state, successful_items], ['succeeded', provider.requests], stdout);
  });

  test('gives programs the API', async () => {
    const program = join(project, 'collect.mjs');
    await writeFile(
      program,
      `import { BatchProcessor } from 'durabatch';
      const processor = new BatchProcessor({ provider: 'simulated', simulateLatencyMs: 1, outputDir: 'api' });
      const { summary } = await processor.processBatch(['What is RLHF?', 'What is a token?']);
      console.log(summary.successful_items);`,
    );
    assert.match((await inProject(program, [])).stdout, /^2$/m);
  });

  test('has types that need no package but its own dependencies', async () => {
    const types = await filesEnding('.d.ts');
    assert.ok(types.includes('dist/index.d.ts'));
    for (const file of types) {
      const text = await readFile(join(installed, file), 'utf8');
      for (const [, path = ''] of text.matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)) {
        const [, name = ''] = /^((?:@[^/]+\/)?[^/]+)/.exec(path)!;
        if (path.startsWith('.'))
          assert.ok(
            existsSync(join(installed, dirname(file), path.replace(/\.ts$/, '.d.ts'))),
            `${file}: ${path}`,
          );
        else if (!path.startsWith('node:')) assert.ok(manifest.dependencies[name], `${file}: ${path}`);
      }
    }

    const program = `import { BatchProcessor, type BatchHandle } from 'durabatch';
      const handle: BatchHandle = await new BatchProcessor({ maxWorkers: 'auto:50' }).start(['a']);
      for await (const { completions } of handle.results()) completions.map(({ text }) => text.length);
      // @ts-expect-error an option that does not exist
      new BatchProcessor({ workers: 3 });`;
    await writeFile(join(project, 'collect.mts'), program);
    const flags = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
    await inProject(join(root, programs.tsc), [...flags, 'collect.mts']).catch(({ stdout }) =>
      assert.fail(stdout),
    );
  });

  test('has a licence text for each package in its bundles', async () => {
    const licenses = await readFile(join(installed, 'dist', 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    const titles = [...licenses.matchAll(/^-{80}\n(\S+) \S+ \(.+\)\n\n(?=\S)/gm)].map(([, name]) => name);
    const bundled = ['commander', 'dotenv', 'js-tiktoken', 'stream-json', 'undici', 'yauzl'];
    for (const name of [...bundled, '@temporalio/workflow']) assert.ok(titles.includes(name), name);
    for (const name of ['openai', 'zod', 'csv-stringify']) assert.ok(!titles.includes(name), name);
  });

  // Documents for contributors also link to the sources, which are in the repository alone.
  const forContributors = /^(ARCHITECTURE|CONTRIBUTING|docs\/ledger|docs\/decisions\/)/;
  const inRepository = /^(src|test|scripts|bench)\/|^(\.oxlintrc\.json|Dockerfile|docker-compose\.yml)$/;
  test('has every file that its documents link to', async () => {
    const missing: string[] = [];
    for (const document of await filesEnding('.md')) {
      const text = await readFile(join(installed, document), 'utf8');
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^(https?:|#)/.test(target)) continue;
        const path = join(installed, dirname(document), target.replace(/#.*/, ''));
        if (forContributors.test(document) && inRepository.test(relative(installed, path))) continue;
        if (relative(installed, path).startsWith('..') || !existsSync(path))
          missing.push(`${document}: ${target}`);
      }
    }
    assert.deepEqual(missing, []);
  });

  test('has nothing that publint objects to', async () => {
    const { messages, pkg } = await publint({ pkgDir: installed, pack: false, strict: true });
    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg)),
      [],
    );
  });
});
