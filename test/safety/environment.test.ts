/** What a folder that somebody else has filled can make a command do. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createWorkplace, testKey, type Workplace } from '../e2e/workplace.ts';
import { temporalProgram, writeProgram } from '../support/stand-in-program.ts';
import { testEnv } from '../support/temporal-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const skip = process.platform === 'win32';

/** A workplace whose commands would look for a Temporal binary. */
async function withoutBinary(t: TestContext): Promise<Workplace> {
  const home = await temporaryFolder(t);
  const { DURABATCH_TEMPORAL_BIN: _, DURABATCH_HOME: __, ...env } = await testEnv(home);
  const homes = { HOME: home, XDG_DATA_HOME: home, LOCALAPPDATA: home, APPDATA: home };
  return createWorkplace(t, { env: { ...env, ...homes } });
}

/** Programs that note that they were executed; what else is in the folder. */
const planted: [string, string[], string, RegExp][] = [
  ['DURABATCH_TEMPORAL_BIN', ['evil'], 'DURABATCH_TEMPORAL_BIN=./evil\n', /DURABATCH_TEMPORAL_BIN ignored/],
  ['DURABATCH_HOME', ['home/bin/temporal'], 'DURABATCH_HOME=./home\n', /DURABATCH_HOME ignored/],
  [
    'PATH',
    ['bin/temporal', 'temporal'],
    'PATH=.:./bin\nPIP_INDEX_URL=http://192.0.2.1/\n',
    /PIP_INDEX_URL ignored/,
  ],
];
for (const [name, programs, dotEnv, said] of planted) {
  test(`a folder whose .env sets ${name} has nothing executed`, { skip }, async (t) => {
    const place = await withoutBinary(t);
    const marker = join(place.folder, 'executed');
    for (const program of programs)
      await writeProgram(
        join(place.folder, program),
        `require('fs').writeFileSync(${JSON.stringify(marker)}, ''); ${temporalProgram}`,
      );
    await place.write('.env', dotEnv);
    const { stderr, stdout } = await place.cli(['doctor', '--provider', 'simulated', '--no-price-update']);
    assert.match(stderr, said);
    assert.match(stdout, /embedded server is not running/);
    await assert.rejects(access(marker), { code: 'ENOENT' });
  });
}

test('a FIFO as .env ends a command with its name', { skip }, async (t) => {
  const place = await withoutBinary(t);
  execFileSync('mkfifo', [join(place.folder, '.env')]);
  const { code, stderr } = await place.cli(['list']);
  assert.equal(code, 1);
  assert.match(stderr, /^error: cannot read .*\/\.env: .*\.env is a FIFO, where a file was expected/m);
});

test('a run that would send its key unencrypted is refused before anything is made', async (t) => {
  const place = await withoutBinary(t);
  const file = await place.write('prompts.json', ['one']);
  const { code, stderr, stdout } = await place.run(file, ['--base-url', 'http://192.0.2.1:8000/v1']);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /--base-url: the key in OPENAI_API_KEY would go to 192\.0\.2\.1:8000 without encryption/,
  );
  assert.match(stderr, /export DURABATCH_ALLOW_HTTP=192\.0\.2\.1:8000/);
  assert.ok(!(stderr + stdout).includes(testKey));
  const names = await readdir(place.outputDir).catch(() => []);
  assert.deepEqual(
    names.filter((name) => !name.startsWith('.')),
    [],
  );
});

test('doctor sends no key where a run would not', async (t) => {
  const place = await withoutBinary(t);
  const flags = ['--provider', 'openai-compatible', '--base-url', 'http://192.0.2.1:8000/v1'];
  const { code, stdout } = await place.cli(['doctor', ...flags, '--model', 'm', '--no-price-update']);
  assert.equal(code, 1);
  assert.match(stdout, /a run refuses this address/);
  assert.match(stdout, /without encryption/);
});

test('who gets the key of the usual variable at a typed address is said', async (t) => {
  const place = await withoutBinary(t);
  const file = await place.write('prompts.json', [{ nonsense: true }]);
  const { stderr } = await place.run(file, ['--base-url', 'https://api.example.invalid/v1']);
  assert.match(stderr, /The key in OPENAI_API_KEY is sent to api\.example\.invalid\./);
  const { stderr: typed } = await place.run(file, [
    ...['--base-url', 'https://api.example.invalid/v1', '--api-key-env', 'OPENAI_API_KEY'],
  ]);
  assert.doesNotMatch(typed, /is sent to/);
});
