/** Names and texts of a prompts file, and what others may have put into the folders we write to. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Manifest } from '../../src/store/manifest/manifest.ts';
import {
  batchIdIn,
  createGate,
  createWorkplace,
  newestResults,
  reportFiles,
  type Workplace,
} from '../e2e/workplace.ts';
import { reply } from '../support/fake-provider.ts';
import { killAtExit, useTestServer } from '../support/temporal-server.ts';
import { filesBelow } from './support/places.ts';

const server = useTestServer();

const notOnWindows = { skip: process.platform === 'win32' && 'needs links and file modes of POSIX' };

/** What a terminal would act on, or read in another direction. */
// oxlint-disable-next-line no-control-regex
const ACTIVE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

const hostileIds = [
  '../../../../escaped.json',
  '..\\..\\escaped',
  '/tmp/escaped',
  'C:\\escaped',
  'CON',
  'nul.txt',
  '.',
  '~',
  '$(touch escaped)',
  '__proto__',
  '\u202egnp.exe',
];

async function hostileBatch(place: Workplace): Promise<string> {
  return place.write('prompts.json', {
    batch_name: '../../\u202e\u2066name',
    description: 'bell \u0007 and title \u001b]0;owned\u0007',
    metadata: { '../../escaped': '../../escaped', ['__proto__']: { polluted: 1 } },
    prompts: hostileIds.map((id) => ({
      prompt_id: id,
      prompt: `Question of ${id}`,
      ...{ '../escaped': '\u009b31m', ['__proto__']: { model: 'evil' } },
    })),
  });
}

test('ids, names and fields of a file never become paths, and come back as they were', async (t) => {
  const place = await createWorkplace(t, server);
  const { code, stderr } = await place.run(await hostileBatch(place));
  assert.equal(code, 0, stderr);
  const names = (await filesBelow(place.folder)).map((path) => path.slice(place.folder.length + 1));
  assert.deepEqual(
    names.filter((name) => !/^(prompts\.json|out[/\\])/.test(name)),
    [],
  );
  assert.ok(
    names.every((name) => !name.includes('escaped')),
    names.join(', '),
  );
  const { results, metadata } = await newestResults(place.outputDir);
  assert.deepEqual(
    results.map((result) => result.prompt_id),
    hostileIds,
  );
  assert.ok(Object.hasOwn(metadata, '__proto__') && Object.hasOwn(results[0]!.fields, '__proto__'));
  assert.ok(place.provider.requestsLog.every(({ body }) => body['model'] === 'test-model'));
});

test('nothing of a file or a provider reaches the terminal as more than text', async (t) => {
  const message = 'no \u001b]0;owned\u0007\u009b31m \u202e \ud800 \r\nnext';
  const place = await createWorkplace(t, server, { script: () => reply.status(400, { message }) });
  const file = await hostileBatch(place);
  const said = [await place.run(file, ['--max-failures', '100%']), await place.run(file, ['--json'])];
  const id = await batchIdIn(place.outputDir);
  for (const command of ['status', 'report', 'list', 'audit']) {
    const args = command === 'list' ? [command] : [command, id];
    said.push(await place.cli(args), await place.cli([...args, '--json']));
  }
  assert.ok(
    said.some(({ stdout }) => stdout.includes('owned')),
    'the message is shown',
  );
  for (const { stdout, stderr } of said) {
    const found = ACTIVE.exec(stdout + stderr);
    assert.equal(
      found,
      null,
      JSON.stringify((stdout + stderr).slice(Math.max(0, (found?.index ?? 0) - 80)).slice(0, 160)),
    );
  }
});

test('a damaged file is quoted in an error without what a terminal acts on', async (t) => {
  const place = await createWorkplace(t, server);
  assert.equal((await place.run(await place.write('prompts.json', ['one']))).code, 0);
  const id = await batchIdIn(place.outputDir);
  await writeFile(join(place.outputDir, id, 'batch.json'), '\u001b]0;owned\u0007\u202e');
  await rm(join(place.outputDir, id, 'revisions'), { recursive: true });
  for (const flags of [[], ['--json']]) {
    const { code, stdout, stderr } = await place.cli(['status', id, ...flags]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /batch\.json is not a batch manifest/);
    assert.doesNotMatch(stdout + stderr, ACTIVE);
  }
});

test('an oversized manifest costs the other batches of its folder nothing, and is named as damaged', async (t) => {
  const place = await createWorkplace(t, server);
  const folder = join(place.outputDir, 'prompts-0123456789ab');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'batch.json'), `[${'[],'.repeat(20 << 20)}0]`);
  const { code, stderr } = await place.run(await place.write('prompts.json', ['one']));
  assert.equal(code, 0, stderr);
  const list = await place.cli(['list', '--output-dir', 'out']);
  assert.match(list.stdout + list.stderr, /batch\.json has \d+ bytes/);
  const status = await place.cli(['status', 'prompts-0123456789ab', '--output-dir', 'out']);
  assert.equal(status.code, 2, status.stdout);
  assert.match(status.stderr, /batch\.json has \d+ bytes, and no such file has more than 8388608/);
});

const tampered: [string, (manifest: Manifest) => unknown][] = [
  ['another batch id', (manifest) => ({ ...manifest, batch_id: '../../escaped' })],
  ['another source', (manifest) => ({ ...manifest, source: '../../escaped' })],
  [
    'paths of reports elsewhere',
    (manifest) => ({
      ...manifest,
      runs: manifest.runs.map((run) => ({
        ...run,
        outcome: {
          ...run.outcome,
          resultsFile: '../escaped.json',
          csvFile: '/escaped.csv',
          failuresFile: '../escaped',
        },
      })),
    }),
  ],
];
for (const [title, change] of tampered) {
  test(`batch.json with ${title} makes no command write elsewhere`, async (t) => {
    const place = await createWorkplace(t, server);
    const file = await place.write('prompts.json', ['one']);
    assert.equal((await place.run(file)).code, 0);
    const id = await batchIdIn(place.outputDir);
    const path = join(place.outputDir, id, 'batch.json');
    await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')))));
    await rm(join(place.outputDir, id, 'revisions'), { recursive: true });
    for (const args of [
      ['status', id],
      ['report', id],
      ['resume', id],
    ]) {
      const { code, stderr } = await place.cli([...args, '--output-dir', 'out']);
      assert.equal(code, 0, `${args[0]}: ${stderr}`);
    }
    const names = (await filesBelow(place.folder)).map((name) => basename(name));
    assert.ok(
      names.every((name) => !name.includes('escaped')),
      names.join(', '),
    );
    assert.equal((await reportFiles(place.outputDir, '.json')).length, 2);
    assert.equal(place.provider.requests, 1);
  });
}

test('a report is never written through a link that was planted under its name', notOnWindows, async (t) => {
  const place = await createWorkplace(t, server);
  assert.equal((await place.run(await place.write('prompts.json', ['one']))).code, 0);
  const id = await batchIdIn(place.outputDir);
  const target = await place.write('target.txt', 'precious');
  const to = join(place.folder, 'to');
  await mkdir(to);
  const stems = Array.from({ length: 600 }, (_, second) => {
    const at = new Date(Date.now() + second * 1000).toISOString();
    return `batch_results_${at.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_')}_${id}`;
  });
  for (const stem of stems) {
    await symlink(target, join(to, `${stem}.json`));
    await symlink(join(place.folder, 'created.txt'), join(to, `${stem}.csv.part`));
  }
  const { code, stderr } = await place.cli(['report', id, '--to', to]);
  assert.equal(code, 0, stderr);
  assert.equal(await readFile(target, 'utf8'), 'precious');
  assert.ok(!(await readdir(place.folder)).includes('created.txt'));
  const entries = await readdir(to, { withFileTypes: true });
  const written = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  assert.equal(written.length, 2, written.join(', '));
  assert.ok(written.every((name) => stems.some((stem) => name.startsWith(`${stem}_`))));
});

test(
  'an output folder whose mark is a link that leads nowhere is refused, and nothing is made there',
  notOnWindows,
  async (t) => {
    const place = await createWorkplace(t, server);
    await mkdir(place.outputDir);
    await symlink(join(place.folder, 'created.txt'), join(place.outputDir, '.durabatch-store'));
    const { code, stderr } = await place.run(await place.write('prompts.json', ['one']));
    assert.equal(code, 2, stderr);
    assert.match(stderr, /\.durabatch-store/);
    assert.ok(!(await readdir(place.folder)).includes('created.txt'));
    assert.equal(place.provider.requests, 0);
  },
);

/** What is planted in a batch folder, under which name; and what must not be read, written or sent. */
const links: [name: string, target: 'folder' | 'file'][] = [
  ['ledger', 'folder'],
  ['prompts', 'folder'],
  ['workers', 'folder'],
  ['keys', 'folder'],
  ['revisions', 'folder'],
  ['ledger/00000', 'folder'],
  ['controls.jsonl', 'file'],
  ['prompts/00000.jsonl', 'file'],
  ['batch.json', 'file'],
];

for (const [name, kind] of links) {
  test(`nothing in a batch folder is reached through a link: ${name}`, notOnWindows, async (t) => {
    const place = await createWorkplace(t, server);
    const file = await place.write('prompts.json', ['one', 'two']);
    assert.equal((await place.run(file, ['--detach'])).code, 0);
    const id = await batchIdIn(place.outputDir);
    const folder = join(place.outputDir, id);
    const outside = join(place.folder, 'outside');
    const planted = join(folder, name);
    const isThere = await stat(planted).then(
      () => true,
      () => false,
    );
    if (isThere) await rename(planted, outside);
    else if (kind === 'folder') await mkdir(outside);
    else await writeFile(outside, 'private\n');
    await mkdir(dirname(planted), { recursive: true });
    await symlink(outside, planted);
    const untouched = await contentsOf(outside);

    for (const command of [
      ['resume', id],
      ['retry', id],
      ['add', id, file],
      ['run', file],
    ]) {
      const { code, stdout, stderr } =
        command[0] === 'run' ? await place.run(file) : await place.cli(command);
      assert.notEqual(code, 0, stdout + stderr);
    }
    const { stderr } = await place.cli(['resume', id]);
    assert.match(stderr, /is a link/);
    // Where they need it, what only looks refuses it too.
    for (const command of name === 'prompts/00000.jsonl' ? [] : lookingAt(id)) {
      const looked = await place.cli([...command, '--output-dir', 'out']);
      assert.match(looked.stdout + looked.stderr, /is a link/, command.join(' '));
    }
    assert.equal(place.provider.requests, 0);
    assert.deepEqual(await contentsOf(outside), untouched);
  });
}

const lookingAt = (id: string): string[][] => [
  ['status', id],
  ['list'],
  ['tail', id],
  ['tail', id, '--from', 'now'],
];

/** A file's text, or those of the files below a folder. */
async function contentsOf(path: string): Promise<string[]> {
  if ((await stat(path)).isFile()) return [await readFile(path, 'utf8')];
  const files = await filesBelow(path);
  return Promise.all(files.sort().map(async (file) => `${file}: ${await readFile(file, 'utf8')}`));
}

for (const umask of [0o077, 0o022]) {
  test(`what is written follows the umask ${umask.toString(8).padStart(3, '0')}`, notOnWindows, async (t) => {
    const gate = createGate();
    const place = await createWorkplace(t, server, { script: gate.script });
    const home = join(place.folder, 'home');
    const env = { ...place.env, DURABATCH_HOME: home };
    await mkdir(home);
    const stopWatching = killAtExit(home);
    const previous = process.umask(umask);
    let run: ReturnType<typeof place.startRun>;
    try {
      run = place.startRun(await place.write('prompts.json', ['one']), [], { env });
    } finally {
      process.umask(previous);
    }
    await place.provider.until(() => place.provider.inFlight === 1);
    const during = await modesBelow([place.outputDir]);
    gate.open();
    assert.equal((await run.ended).code, 0);
    const modes = [...during, ...(await modesBelow([place.outputDir, home]))].filter(
      ([path]) => path !== home,
    );
    assert.equal((await place.cli(['server', 'stop'], { env })).code, 0);
    stopWatching();
    assert.ok(
      modes.some(([path]) => path.endsWith('.csv')) && modes.some(([path]) => path.endsWith('temporal.db')),
    );
    const tooOpen = modes.filter(([, mode]) => (mode & umask) !== 0 || (mode & 0o002) !== 0);
    assert.deepEqual(
      tooOpen.map(([path, mode]) => `${path} ${(mode & 0o777).toString(8)}`),
      [],
    );
  });
}

async function modesBelow(folders: readonly string[]): Promise<[string, number][]> {
  const files = (await Promise.all(folders.map(filesBelow))).flat();
  const all = [...folders, ...files, ...files.map((file) => dirname(file))];
  const modes = await Promise.all(
    all.map(async (path): Promise<[string, number][]> => {
      const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
        // A temporary file that got its name meanwhile.
        if (error.code === 'ENOENT') return null;
        throw error;
      });
      return found ? [[path, found.mode]] : [];
    }),
  );
  return modes.flat();
}
