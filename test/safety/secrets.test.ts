/** No secret in any file, history, output or process argument, whatever the provider does with it. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { readRecord } from '../../src/temporal-server/server-record.ts';
import { batchIdIn, createGate, createWorkplace, testKey } from '../e2e/workplace.ts';
import { type FakeScript, reply } from '../support/fake-provider.ts';
import { useTestServer } from '../support/temporal-server.ts';
import { descendantsOf, filesWith, formsOf } from './support/places.ts';

const server = useTestServer();

/** Says the key wherever a provider can say something. */
const echoing =
  (key: string): FakeScript =>
  ({ prompt, body }) => {
    const headers = { 'x-request-id': key, 'retry-after-ms': '1' };
    switch (prompt) {
      case 'answer':
        return reply.ok({ text: `Your key is ${key}`, reasoning: key, headers });
      case 'reason':
        return reply.ok({ finishReason: key });
      case 'model':
        body['model'] = key;
        return reply.ok();
      case 'refused':
        return reply.status(400, { message: `no: ${key}`, code: key, headers });
      case 'text':
        return reply.raw(`<html>${key} and Bearer ${key}`, { status: 500, headers });
      default:
        return reply.raw(JSON.stringify({ choices: [], error: `it was ${key}` }));
    }
  };
const prompts = ['answer', 'reason', 'model', 'refused', 'text', 'none'];

const sources: [
  string,
  string,
  (
    place: Awaited<ReturnType<typeof createWorkplace>>,
  ) => Promise<{ flags: string[]; env: NodeJS.ProcessEnv }>,
][] = [
  ['the environment', testKey, async ({ env }) => ({ flags: [], env })],
  [
    'a .env file',
    'dotenv+recognisable+key+0123456789',
    async ({ env, write }) => {
      await write('.env', 'OPENAI_API_KEY=dotenv+recognisable+key+0123456789\n');
      const { OPENAI_API_KEY: _, ...others } = env;
      return { flags: [], env: others };
    },
  ],
  [
    "a variable of the user's own",
    'named+recognisable+key+0123456789',
    async ({ env }) => ({
      flags: ['--api-key-env', 'MY_SECRET'],
      env: { ...env, MY_SECRET: 'named+recognisable+key+0123456789' },
    }),
  ],
];

for (const [title, key, prepare] of sources) {
  test(`a key from ${title} is sent to the provider and written nowhere`, async (t) => {
    const place = await createWorkplace(t, server, { script: echoing(key) });
    const { flags, env } = await prepare(place);
    const file = await place.write('prompts.json', prompts);
    const run = await place.run(file, ['--max-attempts', '2', ...flags], { env });
    const said = [run.stdout, run.stderr];
    assert.equal(run.code, 3, run.stderr);
    assert.equal(place.provider.requestsLog[0]?.headers.authorization, `Bearer ${key}`);

    const batchId = await batchIdIn(place.outputDir);
    for (const command of ['status', 'report', 'audit', 'list', 'worker --help']) {
      const args =
        command === 'list' ? ['list'] : [...command.split(' '), ...(command.includes(' ') ? [] : [batchId])];
      const { stdout, stderr } = await place.cli(args, { env });
      said.push(stdout, stderr);
    }
    assert.ok(said.every((text) => !text.includes(key)));

    const connection = await Connection.connect({ address: server.address });
    t.after(() => connection.close());
    const handle = new Client({ connection }).workflow.getHandle(batchId);
    const history = JSON.stringify(await handle.fetchHistory());
    const memo = JSON.stringify(await handle.describe());
    const forms = formsOf(key);
    for (const form of forms)
      assert.ok(!history.includes(form.toString()) && !memo.includes(form.toString()));

    const folders = [place.outputDir, server.home];
    // The search itself works: what is not secret is found, in the database too.
    const named = await filesWith(folders, [Buffer.from(batchId)]);
    assert.ok(
      named.some((name) => name.startsWith(join(server.home, 'temporal.db'))),
      named.join(', '),
    );
    assert.ok((await filesWith([place.outputDir], formsOf('Your key is '))).length > 0);
    assert.deepEqual(await filesWith(folders, forms), []);
  });
}

test(
  'no process is given the key as an argument, and the server not even in its environment',
  {
    skip: process.platform !== 'linux' && 'only Linux shows another process',
  },
  async (t) => {
    const gate = createGate();
    const place = await createWorkplace(t, server, { script: gate.script });
    // A server of its own: this very command, which knows the key, starts it.
    const stopped = await place.cli(['server', 'stop']);
    assert.equal(stopped.code, 0, stopped.stderr);
    const run = place.startRun(await place.write('prompts.json', ['one']));
    await place.provider.until(() => place.provider.inFlight === 1);
    const record = readRecord(server.home);
    const environment = await readFile(`/proc/${record!.pid}/environ`, 'latin1');
    assert.match(environment, /PATH=/);
    assert.ok(!environment.includes(testKey) && !environment.includes('API_KEY'));
    const processes = [run.pid, record!.pid!];
    for (const pid of [...processes]) processes.push(...(await descendantsOf(pid)));
    const commands = await Promise.all(processes.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8')));
    assert.ok(commands.some((command) => command.includes(place.provider.baseUrl)));
    assert.ok(commands.every((command) => !command.includes(testKey)));
    gate.open();
    assert.equal((await run.ended).code, 0);
  },
);

const refused: [string, string][] = [
  ['a password', 'http://user:recognisable-password@127.0.0.1:1/v1'],
  ['a user name', 'http://recognisable-password@127.0.0.1:1/v1'],
  ['a query', 'http://127.0.0.1:1/v1?key=recognisable-password'],
];
for (const [title, url] of refused) {
  test(`an address with ${title} is refused, and not repeated`, async (t) => {
    const place = await createWorkplace(t, server);
    const file = await place.write('prompts.json', ['one']);
    const { code, stdout, stderr } = await place.run(file, ['--base-url', url]);
    assert.equal(code, 2);
    assert.ok(stderr.includes('--base-url'), stderr);
    assert.ok(!(stdout + stderr).includes('recognisable-password'));
  });
}
