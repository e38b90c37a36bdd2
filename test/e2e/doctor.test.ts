import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { useTestServer } from '../support/temporal-server.ts';
import { createWorkplace, testKey, type Workplace } from './workplace.ts';

const server = useTestServer();

/** A provider that lists its models, if it is asked with the key; it is `skewMs` ahead. */
async function startLister(t: TestContext, skewMs = 0): Promise<string> {
  const lister = createServer(({ headers }, response) => {
    const isKnown = headers.authorization === `Bearer ${testKey}`;
    response.writeHead(isKnown ? 200 : 401, { date: new Date(Date.now() + skewMs).toUTCString() });
    response.end(JSON.stringify(isKnown ? { data: [{ id: 'test-model' }] } : { error: { message: 'who?' } }));
  });
  await new Promise<void>((resolve) => lister.listen(0, '127.0.0.1', resolve));
  t.after(() => lister.close());
  return `http://127.0.0.1:${(lister.address() as AddressInfo).port}/v1`;
}

const flagsFor = (baseUrl: string): string[] => [
  ...['--provider', 'openai-compatible', '--base-url', baseUrl],
  ...['--model', 'test-model', '--output-dir', 'out'],
];

async function findings(place: Workplace, args: string[], env: NodeJS.ProcessEnv = place.env) {
  const { code, lines, stdout, stderr } = await place.cli(['doctor', ...args, '--json'], { env });
  assert.equal(lines.length, 1, stdout + stderr);
  const { type, ready, checks } = lines[0]!;
  assert.equal(type, 'doctor');
  assert.equal(code, ready ? 0 : 1);
  assert.ok(!stdout.includes(testKey), 'the key is in the output');
  return new Map<string, { verdict: string; found: string; advice: string | null }>(
    checks.map((each: { check: string }) => [each.check, each]),
  );
}

test('where all is in place it says so, exits with 0 and leaves nothing behind', async (t) => {
  const place = await createWorkplace(t, server);
  const flags = flagsFor(await startLister(t));
  const { code, stdout, stderr } = await place.cli(['doctor', ...flags]);
  assert.equal(code, 0, stdout + stderr);
  assert.match(
    stdout,
    /^ok +Temporal +the embedded server at 127\.0\.0\.1:\d+ \(1\.\S+\) answers and has the namespace default$/m,
  );
  assert.match(stdout, /^ok +Provider +127\.0\.0\.1:\d+ answers in \d+ ms and lists test-model$/m);
  assert.match(stdout, /^ok +Clock +.*, as by 127\.0\.0\.1:\d+$/m);
  assert.match(stdout, /^ok +API key +OPENAI_API_KEY is set in the environment/m);
  assert.match(stdout, /^doctor: ready to run/m);
  assert.doesNotMatch(stdout, new RegExp(testKey.replaceAll('+', '\\+')));
  assert.equal(existsSync(place.outputDir), false);
});

test('everything that is wrong is told at once, each with what to do, and the exit code is 1', async (t) => {
  const place = await createWorkplace(t, server);
  await place.write('out', 'a file in the way');
  const flags = flagsFor(await startLister(t, 3_600_000));
  const env = { ...place.env, OPENAI_API_KEY: 'wrong-key', TEMPORAL_ADDRESS: '127.0.0.1:9' };
  const found = await findings(place, flags, env);
  for (const [check, what] of [
    ['temporal', /cannot be reached/],
    ['provider', /refuses the key \(401: who\?\)/],
    ['clock', /behind 127/],
    ['output_folder', /is a file, not a folder/],
  ] as const) {
    assert.equal(found.get(check)?.verdict, 'failed', check);
    assert.match(found.get(check)!.found, what);
    assert.ok(found.get(check)!.advice, check);
  }
  for (const check of ['node', 'build', 'state_folder', 'terminal'])
    assert.equal(found.get(check)?.verdict, 'ok', check);
});

test("a server of one's own is told with the namespace it lacks, and an unusable profile hides nothing else", async (t) => {
  const place = await createWorkplace(t, server);
  const simulated = ['--provider', 'simulated'];
  const own = { ...place.env, TEMPORAL_ADDRESS: server.address };
  assert.match(
    (await findings(place, simulated, own)).get('temporal')!.found,
    /^the server at .* has the namespace default$/,
  );

  const lost = (await findings(place, simulated, { ...own, TEMPORAL_NAMESPACE: 'nowhere' })).get('temporal')!;
  assert.match(lost.found, /answers, but has no namespace nowhere/);
  assert.match(lost.advice!, /temporal operator namespace create --namespace nowhere/);

  await writeFile(join(place.folder, 'temporal.toml'), '[profile.default]\naddress = "127.0.0.1:9"\n');
  const profile = { TEMPORAL_CONFIG_FILE: join(place.folder, 'temporal.toml'), TEMPORAL_PROFILE: 'missing' };
  const unusable = await findings(place, simulated, { ...place.env, ...profile });
  assert.equal(unusable.get('temporal')!.verdict, 'failed');
  assert.match(unusable.get('temporal')!.found, /cannot tell which Temporal server to use/);
  assert.equal(unusable.get('provider')!.verdict, 'ok');
});

test('a key that is missing is named with the way to do without', async (t) => {
  const place = await createWorkplace(t, server);
  const env = { ...place.env, DEEPSEEK_API_KEY: '' };
  const lister = await startLister(t);
  const key = (await findings(place, ['--base-url', lister, '--output-dir', 'out'], env)).get('api_key')!;
  assert.equal(key.verdict, 'failed');
  assert.match(key.advice!, /export DEEPSEEK_API_KEY=.*--provider simulated/);
});
