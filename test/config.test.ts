import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadConfig } from '../src/config.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** An environment in which no file of this machine's user counts. */
async function nobody(t: TestContext): Promise<{ cwd: string; env: NodeJS.ProcessEnv }> {
  const cwd = await temporaryFolder(t);
  const profiles = join(cwd, 'temporal.toml');
  await writeFile(profiles, '[profile.default]\n');
  return { cwd, env: { DURABATCH_HOME: join(cwd, 'home'), TEMPORAL_CONFIG_FILE: profiles } };
}

test('an empty environment means the embedded server and no secrets', async (t) => {
  const { cwd, env } = await nobody(t);
  const config = loadConfig(env, cwd);
  assert.deepEqual([config.temporal, config.uiUrl, config.home], [null, null, join(cwd, 'home')]);
  assert.equal(config.secret('DEEPSEEK_API_KEY'), undefined);
});

test('.env in the working folder is read, and the environment wins over it', async (t) => {
  const { cwd, env } = await nobody(t);
  await writeFile(join(cwd, '.env'), '\ufeff# keys\r\nA_KEY="from the file"\r\nB_KEY=from the file\r\n');
  const config = loadConfig({ ...env, B_KEY: 'from the environment' }, cwd);
  assert.equal(config.secret('A_KEY'), 'from the file');
  assert.equal(config.secret('B_KEY'), 'from the environment');
  assert.equal(process.env['A_KEY'], undefined, 'the process’s own environment was changed');
});

test('a secret is trimmed, and a blank one is none', async (t) => {
  const { cwd, env } = await nobody(t);
  const config = loadConfig({ ...env, A: ' sk-1\n', B: ' ', C: '' }, cwd);
  assert.deepEqual(
    [config.secret('A'), config.secret('B'), config.secret('C')],
    ['sk-1', undefined, undefined],
  );
});

test('a folder called .env is nobody’s settings', async (t) => {
  const { cwd, env } = await nobody(t);
  await mkdir(join(cwd, '.env'));
  assert.equal(loadConfig(env, cwd).temporal, null);
});

test('TEMPORAL_ADDRESS names a server, from the environment or .env', async (t) => {
  const { cwd, env } = await nobody(t);
  const named = loadConfig({ ...env, TEMPORAL_ADDRESS: '127.0.0.1:9', TEMPORAL_NAMESPACE: 'mine' }, cwd);
  assert.equal(named.temporal?.connection.address, '127.0.0.1:9');
  assert.equal(named.temporal?.namespace, 'mine');
  await writeFile(join(cwd, '.env'), 'TEMPORAL_ADDRESS=127.0.0.1:8\n');
  const fromFile = loadConfig(env, cwd);
  assert.equal(fromFile.temporal?.connection.address, '127.0.0.1:8');
  assert.equal(fromFile.temporal?.namespace, 'default');
});

test('a profile names a server with its key', async (t) => {
  const { cwd, env } = await nobody(t);
  await writeFile(
    env['TEMPORAL_CONFIG_FILE']!,
    '[profile.cloud]\naddress = "cloud.invalid:7233"\nnamespace = "n"\napi_key = "k"\n',
  );
  const { temporal } = loadConfig({ ...env, TEMPORAL_PROFILE: 'cloud' }, cwd);
  assert.equal(temporal?.connection.address, 'cloud.invalid:7233');
  assert.equal(temporal?.connection.apiKey, 'k');
  assert.equal(temporal?.namespace, 'n');
});

for (const [title, text] of [
  ['a profile that is not there', '[profile.default]\n'],
  ['a file without profiles', ''],
  ['a file that is no TOML', '<html>'],
] as const) {
  test(`${title} is an error that says what to check`, async (t) => {
    const { cwd, env } = await nobody(t);
    await writeFile(env['TEMPORAL_CONFIG_FILE']!, text);
    assert.throws(
      () => loadConfig({ ...env, TEMPORAL_PROFILE: 'missing' }, cwd),
      (error: Error) => {
        assert.match(error.message, /^cannot tell which Temporal server to use: /);
        assert.ok(
          error.message.includes(`TEMPORAL_* environment variables, and that ${join(cwd, 'temporal.toml')}`),
        );
        return true;
      },
    );
  });
}

test('the Web UI’s address has no slash at its end', async (t) => {
  const { cwd, env } = await nobody(t);
  assert.equal(loadConfig({ ...env, DURABATCH_UI_URL: 'http://ui:8080//' }, cwd).uiUrl, 'http://ui:8080');
  assert.equal(loadConfig({ ...env, DURABATCH_UI_URL: '' }, cwd).uiUrl, null);
});
