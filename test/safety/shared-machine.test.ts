/** What other users of the machine can read of what a run leaves behind. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { openHome } from '../../src/system/home.ts';
import { createWorkplace } from '../e2e/workplace.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const skip = process.platform === 'win32' && 'Windows has no modes';

const server = useTestServer();

/** Every file and folder below, with its mode. */
async function modesBelow(folder: string): Promise<Map<string, number>> {
  const modes = new Map<string, number>();
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    modes.set(path, (await stat(path)).mode & 0o777);
    if (entry.isDirectory()) for (const below of await modesBelow(path)) modes.set(...below);
  }
  return modes;
}

const isReport = (name: string): boolean => /^batch_results_[^/]+\.(json|csv|jsonl)$/.test(name);
/** Whoever may read the output folder may know which one it is. */
const STORE = '.durabatch-store';

for (const umask of [0o000, 0o022, 0o077]) {
  test(
    `with umask 0${umask.toString(8)}, state and batches are for this user only, and reports as the umask says`,
    { skip },
    async (t) => {
      const place = await createWorkplace(t, server);
      const outer = process.umask(umask);
      t.after(() => process.umask(outer));
      await chmod(place.folder, 0o755);
      const home = join(place.folder, 'home');
      const env = { ...place.env, DURABATCH_HOME: home };
      const file = await place.write('prompts.json', ['one', 'two']);
      const { code, stderr } = await place.run(file, ['--no-reuse'], { env });
      const stopped = await place.cli(['server', 'stop'], { env });
      assert.equal(stopped.code, 0, stopped.stderr);
      assert.equal(code, 0, stderr);

      assert.equal((await stat(home)).mode & 0o777, 0o700);
      const state = await modesBelow(home);
      assert.ok(state.has(join(home, 'temporal.db')) && state.has(join(home, 'server.log')));
      const batches = await modesBelow(place.outputDir);
      assert.equal((await stat(place.outputDir)).mode & 0o777, 0o777 & ~umask);
      let reports = 0;
      for (const [path, mode] of batches) {
        const name = relative(place.outputDir, path);
        if (!isReport(name) && name !== STORE) continue;
        if (isReport(name)) reports++;
        assert.equal(mode, 0o666 & ~umask, name);
        batches.delete(path);
      }
      assert.equal(reports, 2);
      assert.ok([...batches.keys()].some((path) => path.includes('/ledger/')));
      for (const [path, mode] of [...state, ...batches])
        assert.equal(mode & 0o077, 0, `${path}: ${mode.toString(8)}`);
    },
  );
}

test(
  'another user reads the report, and nothing of the batch or the state',
  { skip: skip || (process.getuid?.() !== 0 && 'only root can become another user') },
  async (t) => {
    const place = await createWorkplace(t, server);
    await chmod(place.folder, 0o755);
    const file = await place.write('prompts.json', ['one']);
    assert.equal((await place.run(file)).code, 0);
    const asOther = (path: string): boolean =>
      spawnSync('cat', [path], { uid: 65534, gid: 65534, stdio: 'ignore' }).status === 0;
    const files = [...(await modesBelow(place.outputDir)).keys()];
    const read = files.filter((path) => asOther(path)).map((path) => relative(place.outputDir, path));
    assert.ok(read.some(isReport));
    assert.deepEqual(
      read.filter((name) => !isReport(name)),
      [STORE],
    );
    const state = [...(await modesBelow(server.home)).keys()];
    assert.ok(state.length > 0);
    assert.deepEqual(state.filter(asOther), []);
  },
);

test('a state folder of before that others can get into is closed to them', { skip }, async (t) => {
  const home = join(await temporaryFolder(t), 'home');
  for (const name of ['approvals', 'batches', 'bin', 'cursors', 'locks', 'prices'])
    await mkdir(join(home, name), { recursive: true });
  for (const name of [
    'temporal.db',
    'temporal.db-wal',
    'server.json',
    '.server.json.4711.tmp',
    'worker.log.1',
  ])
    await writeFile(join(home, name), '');
  await chmod(home, 0o755);
  const said: string[] = [];
  await openHome(home, (line) => said.push(line));
  assert.equal((await stat(home)).mode & 0o777, 0o700);
  assert.deepEqual(said, []);
});

test('everything in the state folder is named in the list of what is ours', async () => {
  const source = join(import.meta.dirname, '../../src');
  for (const name of (await readdir(source, { recursive: true })).filter((each) => each.endsWith('.ts'))) {
    const text = await readFile(join(source, name), 'utf8');
    assert.doesNotMatch(text, /(?<!in)(?:join|resolve)\((?:\w+\.)*home, *'/i, name);
  }
});

test('a folder that is not only ours is left as it is, and it is said', { skip }, async (t) => {
  const home = join(await temporaryFolder(t), 'home');
  await mkdir(join(home, 'photos'), { recursive: true });
  await chmod(home, 0o755);
  const said: string[] = [];
  await openHome(home, (line) => said.push(line));
  assert.equal((await stat(home)).mode & 0o777, 0o755);
  assert.equal(said.length, 1);
  assert.match(said[0]!, /Other users of this machine can get into .*home, .*chmod 700/);
});

/** Names in a batch's folder that a command reads, and what it then says. */
const traps: [string, (batch: string) => string, string[]][] = [
  ['the manifest', (batch) => join(batch, 'revisions', '000099.json'), ['status']],
  ['a file of the ledger', (batch) => join(batch, 'ledger', '00000', 'evil.jsonl'), ['report']],
  ['the prompts', (batch) => join(batch, 'prompts', '00000.jsonl'), ['report']],
];
for (const [what, pathOf, command] of traps) {
  test(`a FIFO in the place of ${what} is named, and not waited for`, { skip }, async (t) => {
    const place = await createWorkplace(t, server);
    const file = await place.write('prompts.json', ['one']);
    assert.equal((await place.run(file, ['--id', 'trapped', '--no-reuse'])).code, 0);
    const batch = join(place.outputDir, 'trapped');
    const path = pathOf(batch);
    await rm(path, { force: true });
    execFileSync('mkfifo', [path]);
    const { stderr } = await place.cli([...command, 'trapped', '--output-dir', 'out']);
    assert.ok(stderr.includes(`${path} is a FIFO, where a file was expected`), stderr);
  });
}
