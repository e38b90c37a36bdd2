import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
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

for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
  test(`no environment has a key in ${name}`, async (t) => {
    const { cwd, env } = await nobody(t);
    await writeFile(join(cwd, '.env'), 'A_KEY=x\n');
    assert.equal(loadConfig(env, cwd).secret(name), undefined);
    assert.equal(loadConfig({ ...process.env, ...env }, cwd).secret(name), undefined);
  });

test('keys are read from .env in the working folder, and the environment wins over it', async (t) => {
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

const unreadable: [string, (file: string) => Promise<unknown>, RegExp][] = [
  ['a folder', (file) => mkdir(file), /\.env is a folder, where a file with keys was expected/],
  ['a FIFO', async (file) => execFileSync('mkfifo', [file]), /\.env is a FIFO, where a file was expected/],
  ['a device', (file) => symlink('/dev/zero', file), /\.env is a device, where a file was expected/],
  [
    'a huge file',
    (file) => writeFile(file, '').then(() => truncate(file, 2 ** 40)),
    /has 1099511627776 bytes/,
  ],
];
for (const [what, make, message] of unreadable) {
  test(`${what} as .env is named, and not waited for`, { skip: process.platform === 'win32' }, async (t) => {
    const { cwd, env } = await nobody(t);
    await make(join(cwd, '.env'));
    assert.throws(() => loadConfig(env, cwd), { message });
  });
}

/** What must not come from a folder, and what the user reads. */
const steering: [string, string][] = [
  ['DURABATCH_TEMPORAL_BIN', './evil'],
  ['DURABATCH_HOME', './home'],
  ['DURABATCH_PRICES_URL', 'http://192.0.2.1/'],
  ['DURABATCH_ALLOW_HTTP', '192.0.2.1'],
  ['DURABATCH_UI_URL', 'http://192.0.2.1/'],
  ['TEMPORAL_ADDRESS', '192.0.2.1:7233'],
  ['TEMPORAL_TLS', 'false'],
  ['TEMPORAL_CONFIG_FILE', './temporal.toml'],
  ['TEMPORAL_NAMESPACE', 'theirs'],
  ['TEMPORAL_GRPC_META_AUTHORIZATION', 'Bearer x'],
  ['HTTPS_PROXY', 'http://192.0.2.1:3128'],
  ['http_proxy', 'http://192.0.2.1:3128'],
  ['ALL_PROXY', 'http://192.0.2.1:3128'],
  ['NODE_OPTIONS', '--import ./evil.mjs'],
  ['NODE_TLS_REJECT_UNAUTHORIZED', '0'],
  ['PIP_INDEX_URL', 'http://192.0.2.1/simple'],
  ['OPENAI_BASE_URL', 'http://192.0.2.1/v1'],
];
for (const [name, value] of steering) {
  test(`${name} in .env has no effect, and is named`, async (t) => {
    const { cwd, env: all } = await nobody(t);
    const { [name]: _, ...others } = all;
    const env: NodeJS.ProcessEnv = { ...others, HOME: cwd, APPDATA: cwd };
    const { notices: none, ...before } = loadConfig(env, cwd);
    await writeFile(join(cwd, '.env'), `${name}=${value}\n`);
    const { notices, ...after } = loadConfig(env, cwd);
    assert.deepEqual(none, []);
    assert.equal(notices.length, 1);
    assert.ok(notices[0]?.startsWith(`${join(cwd, '.env')}: ${name} ignored`), notices[0]);
    assert.match(
      notices[0]!,
      name.endsWith('_BASE_URL') ? /--base-url/ : /Export what you want in your shell/,
    );
    // The folder's name is random, and may have a `0` in it.
    assert.ok(!notices[0]!.replace(cwd, '').includes(value));
    assert.equal(after.secret(name), undefined);
    assert.deepEqual({ ...after, secret: null }, { ...before, secret: null });
    // Who exports it has decided, and need not be told.
    assert.deepEqual(loadConfig({ ...env, [name]: all[name] ?? '' }, cwd).notices, []);
  });
}

test("foreign variables of a project's .env, and those of docker-compose.yml, are ignored in silence", async (t) => {
  const { cwd, env } = await nobody(t);
  const text =
    'PATH=./bin\nHOME=/tmp\nDATABASE_URL=x\nTEMPORAL_PORT=1\nTEMPORAL_UI_PORT=2\nPOSTGRES_PASSWORD=p\n';
  await writeFile(join(cwd, '.env'), text);
  const config = loadConfig(env, cwd);
  assert.deepEqual(config.notices, []);
  assert.deepEqual(config.env, env);
});

test('TEMPORAL_ADDRESS names a server', async (t) => {
  const { cwd, env } = await nobody(t);
  const named = loadConfig({ ...env, TEMPORAL_ADDRESS: '127.0.0.1:9', TEMPORAL_NAMESPACE: 'mine' }, cwd);
  assert.equal(named.temporal?.connection.address, '127.0.0.1:9');
  assert.equal(named.temporal?.namespace, 'mine');
  assert.equal(loadConfig({ ...env, TEMPORAL_ADDRESS: '127.0.0.1:8' }, cwd).temporal?.namespace, 'default');
});

/** Profile, environment, `.env`; what is said of it. */
const sources: [string, string, NodeJS.ProcessEnv, string, RegExp | null][] = [
  ['both from the environment', '', { TEMPORAL_ADDRESS: 'a.invalid:1', TEMPORAL_API_KEY: 'k' }, '', null],
  ['both from a profile', 'address = "a.invalid:1"\napi_key = "k"', {}, '', null],
  ['no key', 'address = "a.invalid:1"', {}, '', null],
  [
    'a key from .env',
    '',
    { TEMPORAL_ADDRESS: 'a.invalid:1' },
    'TEMPORAL_API_KEY=k',
    /^The Temporal API key from \.env is sent to a\.invalid:1, an address from the environment\.$/,
  ],
  [
    'a key from the environment',
    'address = "a.invalid:1"',
    { TEMPORAL_API_KEY: 'k' },
    '',
    /key from the environment is sent to a\.invalid:1, an address from a profile\.$/,
  ],
  [
    'an address from the environment',
    'api_key = "k"',
    { TEMPORAL_ADDRESS: 'a.invalid:1' },
    'TEMPORAL_ADDRESS=evil.invalid:1',
    /key from a profile is sent to a\.invalid:1, an address from the environment\.$/,
  ],
];
for (const [title, profile, more, dotEnv, said] of sources) {
  test(`where the Temporal key goes is said unless it has the source of the address: ${title}`, async (t) => {
    const { cwd, env } = await nobody(t);
    await writeFile(env['TEMPORAL_CONFIG_FILE']!, `[profile.default]\n${profile}\n`);
    await writeFile(join(cwd, '.env'), `${dotEnv}\n`);
    const { notices, temporal } = loadConfig({ ...env, ...more }, cwd);
    assert.equal(temporal?.connection.address, 'a.invalid:1');
    assert.equal(notices.length, said === null ? 0 : 1, notices.join('\n'));
    if (said) assert.match(notices[0]!, said);
  });
}

/** Address, what else is set; whether the key may go there. */
const plain: [string, NodeJS.ProcessEnv, boolean][] = [
  ['temporal.invalid:7233', { TEMPORAL_API_KEY: 'k', TEMPORAL_TLS: 'false' }, false],
  ['192.168.1.5:7233', { TEMPORAL_API_KEY: 'k', TEMPORAL_TLS: 'false' }, false],
  ['127.evil.invalid:7233', { TEMPORAL_API_KEY: 'k', TEMPORAL_TLS: 'false' }, false],
  ['localhost.evil.invalid:7233', { TEMPORAL_API_KEY: 'k', TEMPORAL_TLS: 'false' }, false],
  ['temporal.invalid:7233', { TEMPORAL_GRPC_META_AUTHORIZATION: 'Bearer k' }, false],
  ['temporal.invalid:7233', { TEMPORAL_API_KEY: 'k' }, true],
  ['temporal.invalid:7233', { TEMPORAL_API_KEY: 'k', TEMPORAL_TLS: 'true' }, true],
  ['temporal.invalid:7233', { TEMPORAL_TLS: 'false' }, true],
  ['127.0.0.1:7233', { TEMPORAL_API_KEY: 'k', TEMPORAL_TLS: 'false' }, true],
  ['localhost:7233', { TEMPORAL_API_KEY: 'k', TEMPORAL_TLS: 'false' }, true],
  ['[::1]:7233', { TEMPORAL_API_KEY: 'k', TEMPORAL_TLS: 'false' }, true],
];
for (const [address, more, may] of plain) {
  test(`${may ? 'taken' : 'refused'}: ${address} with ${JSON.stringify(more)}`, async (t) => {
    const { cwd, env } = await nobody(t);
    const load = () => loadConfig({ ...env, ...more, TEMPORAL_ADDRESS: address }, cwd);
    if (may) assert.equal(load().temporal?.connection.address, address);
    else assert.throws(load, /key would go to .* without encryption\. Set TEMPORAL_TLS=true/);
  });
}

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

test('of many variables that are ignored, the first few are named', async (t) => {
  const { cwd, env } = await nobody(t);
  const lines = Array.from({ length: 60_000 }, (_, number) => `DURABATCH_${number}=`);
  await writeFile(join(cwd, '.env'), lines.join('\n'));
  const [many = ''] = loadConfig(env, cwd).notices;
  assert.match(many, /DURABATCH_0, DURABATCH_1, .*DURABATCH_4 and 59995 more ignored/);
  await writeFile(join(cwd, '.env'), `NODE_${'X'.repeat(500_000)}=1`);
  const [long = ''] = loadConfig(env, cwd).notices;
  assert.match(long, /NODE_X+… ignored/);
  for (const notice of [many, long])
    assert.ok(notice.length < 1000 + cwd.length, `${notice.length} characters`);
});
