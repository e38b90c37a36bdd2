/** Every command line in a code block of README.md and docs, typed into a shell, against a stand-in for the provider. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { codeBlocks, commandLines } from '../support/documents.ts';
import { reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { createWorkplace, testKey, type Workplace } from './workplace.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cli = join(root, 'dist', 'client', 'cli.js');

const server = useTestServer();

/** Lines that are not typed here, each with the reason. `test/scripts/documents.test.ts` checks their flags. */
const notTyped: [line: RegExp, why: string][] = [
  [/^git clone /, 'the address is to be filled in'],
  [/^npm start$/, 'test/scripts/start.test.ts'],
  [/^npm test$/, 'it would run this test'],
  [/^docker compose /, 'needs Docker; test/docker-compose.test.ts reads the file'],
  [/^export (TEMPORAL|DURABATCH)_/, 'names servers of the reader'],
  [/^temporal workflow list /, "Temporal's own program; test/e2e/search-attributes.test.ts asks the server"],
  [/^(npx )?durabatch worker/, 'ends by a signal: has a test of its own below'],
];

/** What stands for `npx` and `durabatch` in the shell: the program, with the stand-in's address in place of a provider's. */
const programOf = (baseUrl: string): string => `#!${process.execPath}
const { spawnSync } = require('node:child_process');
const args = process.argv.slice(2).filter((word, at) => at > 0 || word !== 'durabatch');
const at = args.indexOf('--base-url');
if (at >= 0) args[at + 1] = ${JSON.stringify(baseUrl)};
else if (['run', 'estimate', 'doctor'].includes(args[0]) && !args.includes('simulated'))
  args.push('--base-url', ${JSON.stringify(baseUrl)});
process.exitCode = spawnSync(process.execPath, [${JSON.stringify(cli)}, ...args], { stdio: 'inherit' }).status ?? 1;
`;

interface Shell {
  place: Workplace;
  type(line: string): Promise<{ code: number | null; output: string }>;
}

async function openShell(t: TestContext): Promise<Shell> {
  const place = await createWorkplace(t, server, { latencyMs: 0 });
  const bin = join(place.folder, 'bin');
  await mkdir(bin);
  for (const name of ['npx', 'durabatch']) {
    await writeFile(join(bin, name), programOf(place.provider.baseUrl));
    await chmod(join(bin, name), 0o755);
  }
  await mkdir(join(place.folder, '.config', 'fish', 'completions'), { recursive: true });
  await mkdir(join(place.folder, 'prompts'));
  const prompts = (topic: string, count: number) =>
    Array.from({ length: count }, (_, at) => ({ prompt: `${topic}: question number ${at + 1}?` }));
  for (const name of ['prompts.json', 'monday.json', 'urgent.json', 'more.json', 'prompts/sample_batch.json'])
    await place.write(name, prompts(name, 3));
  const lines = prompts('prompts.jsonl', 60).map((each) => JSON.stringify(each));
  await place.write('prompts.jsonl', lines.join('\n'));
  const env = {
    ...place.env,
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: place.folder,
    OPENROUTER_API_KEY: testKey,
  };
  return {
    place,
    type: (line) =>
      new Promise((resolve, reject) => {
        const shell = spawn('bash', ['-euo', 'pipefail', '-c', `${line}\nwait`], {
          cwd: place.folder,
          env,
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let output = '';
        for (const stream of [shell.stdout, shell.stderr])
          stream.setEncoding('utf8').on('data', (text: string) => (output += text));
        shell.once('error', reject).once('close', (code) => resolve({ code, output }));
      }),
  };
}

/** What a line needs of the batch that it names. */
const stateFor = (line: string): 'open' | 'failed' | 'finished' =>
  /durabatch (set|pause|resume|cancel) /.test(line)
    ? 'open'
    : /durabatch retry /.test(line)
      ? 'failed'
      : 'finished';

/** Makes the batch that a line names, or returns an earlier one where that is finished and no more is needed. */
function createBatches({ place }: Shell): (line: string) => Promise<string> {
  let made = 0;
  let finished: string | undefined;
  return async (line) => {
    const state = stateFor(line);
    if (state === 'finished' && finished !== undefined) return finished;
    const id = `documented-${++made}`;
    const file = await place.write(`${id}.json`, [{ prompt: `${id}, first?` }, { prompt: `${id}, second?` }]);
    const flags = ['--base-url', place.provider.baseUrl, '--output-dir', 'data/batch_results', '--id', id];
    place.provider.script = ({ prompt }) =>
      state === 'failed' && prompt.endsWith('first?') ? reply.status(400, { message: 'refused' }) : undefined;
    const { code, stderr } = await place.cli([
      ...['run', file, ...flags],
      ...(state === 'open' ? ['--detach'] : []),
    ]);
    place.provider.script = undefined;
    assert.equal(code, state === 'failed' ? 3 : 0, stderr);
    if (state === 'finished') finished = id;
    return id;
  };
}

const IDS = /<id>|prompts-0f3a9c21b7de|more-5b1d27c09e4f/;
const EVERY_ID = new RegExp(IDS, 'g');
const withoutShell = process.platform === 'win32' && 'needs bash';

test('every documented command line can be typed', { skip: withoutShell }, async (t) => {
  const shell = await openShell(t);
  const { place } = shell;
  const batchFor = createBatches(shell);
  const lines = commandLines().filter(({ line }) => !notTyped.some(([pattern]) => pattern.test(line)));
  const typed = new Set<string>();
  for (const { page, line } of lines) {
    // The newest batch is there already, but not always one that can be continued.
    const namesBatch = IDS.test(line) || (line.includes('@last') && stateFor(line) !== 'finished');
    // Lines that differ only in ids and numbers are typed once.
    const form = line
      .replace(/^npx /, '')
      .replaceAll(EVERY_ID, '<id>')
      .replaceAll(/\b\d+\b/g, 'N');
    if (typed.has(form)) continue;
    typed.add(form);
    await t.test(`${page}: ${line}`, async () => {
      const id = namesBatch ? await batchFor(line) : '';
      const { code, output } = await shell.type(line.replaceAll(EVERY_ID, id));
      assert.equal(code, 0, `${line}\n${output}`);
      if (line.startsWith('nohup')) {
        const log = await readFile(join(place.folder, 'run.log'), 'utf8');
        assert.match(log, /^State +succeeded$/m, log);
      }
      // "watch" without an id waits for the end of every open batch.
      if (/durabatch (set|pause) /.test(line)) await place.cli(['cancel', id, '--now']);
    });
  }
  assert.ok(typed.size > 40, `${typed.size} lines`);
});

test('the documented workers work on the open batches of their folder', async (t) => {
  const place = await createWorkplace(t, server);
  const workers = commandLines().filter(({ line }) => /^(npx )?durabatch worker/.test(line));
  assert.ok(workers.length > 0);
  for (const { line } of workers) {
    const worker = place.start(line.replace(/^(npx )?durabatch /, '').split(' '));
    await worker.said(/Working on the open batches/);
    worker.kill('SIGINT');
    assert.equal((await worker.ended).code, 0, line);
  }
});

test('the prompts files in docs/input.md are read', async (t) => {
  const place = await createWorkplace(t, server);
  const files = codeBlocks().filter(
    ({ page, language }) => page === 'docs/input.md' && language.startsWith('json'),
  );
  assert.equal(files.length, 5);
  for (const { text, language } of files) {
    const file = await place.write(`prompts.${language}`, text);
    const { code, stderr } = await place.cli(['estimate', file, '--provider', 'simulated', '--json']);
    assert.equal(code, 0, `${text}${stderr}`);
  }
});

test('the programs in docs/api.md run', async (t) => {
  const place = await createWorkplace(t, server);
  await place.write('questions.txt', 'What is RLHF?\n\nWhat is DPO?\n');
  await place.write('package.json', { type: 'module' });
  await mkdir(join(place.folder, 'node_modules'));
  await symlink(root, join(place.folder, 'node_modules', 'durabatch'), 'junction');
  await symlink(
    join(root, 'node_modules', '@types'),
    join(place.folder, 'node_modules', '@types'),
    'junction',
  );
  const programs = codeBlocks().filter(({ page, language }) => page === 'docs/api.md' && language === 'ts');
  assert.equal(programs.length, 2);
  for (const [at, { text }] of programs.entries()) {
    const simulated = text.replace(
      'new BatchProcessor({',
      "new BatchProcessor({ provider: 'simulated', simulateLatencyMs: 1,",
    );
    const file = await place.write(`collect-${at}.mts`, simulated);
    const types = ['--noEmit', '--strict', '--module', 'nodenext', '--types', 'node', '--skipLibCheck', file];
    const checked = await node([join(root, 'node_modules', 'typescript', 'lib', 'tsc.js'), ...types], place);
    assert.equal(checked.code, 0, checked.output);
    const ran = await node(['--import', import.meta.resolve('tsx'), file], place);
    assert.equal(ran.code, 0, ran.output);
    assert.match(ran.output, /\d/);
  }
});

const node = (args: string[], { folder, env }: Workplace): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', reject).once('close', (code) => resolve({ code, output }));
  });
