import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { ensureServer, serverStatus, stopServer } from '../../src/temporal-server/embedded-server.ts';
import type { ServerInfo } from '../../src/temporal-server/embedded-server.ts';
import { isLiveProcess } from '../../src/system/live-process.ts';
import { readRecord, recordPath, writeRecord } from '../../src/temporal-server/server-record.ts';
import { freeze } from '../support/freeze.ts';
import { writeProgram } from '../support/stand-in-program.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestHome, killAtExit, testEnv } from '../support/temporal-server.ts';
import { until } from '../support/until.ts';

const whenDead = (pid: number): Promise<void> =>
  until(() => !isLiveProcess(pid, null), `process ${pid} to be gone`);
const withClient = async <Answer>(
  address: string,
  use: (client: Client) => Promise<Answer>,
): Promise<Answer> => {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
};

describe('the embedded server', () => {
  let home: string;
  let env: NodeJS.ProcessEnv;
  const logged: string[] = [];
  const ensure = (): Promise<ServerInfo> => ensureServer({ home, env, log: (line) => logged.push(line) });

  let first: ServerInfo;
  before(async () => {
    home = await createTestHome();
    env = { ...(await testEnv(home)), SOME_API_KEY: 'secret' };
    killAtExit(home);
    assert.equal(await serverStatus(home), null);
    assert.equal(await stopServer(home), null);
    first = await ensure();
  });
  after(async () => {
    await stopServer(home);
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  });

  test('is found again', async () => {
    assert.equal(first.started, true);
    assert.deepEqual(await ensure(), { ...first, started: false });
    assert.deepEqual(await serverStatus(home), { ...first, started: false });
  });

  const DAY = 24 * 3600;
  const retentionSeconds = async ({ address }: ServerInfo): Promise<number> => {
    const { config } = await withClient(address, (client) =>
      client.workflowService.describeNamespace({ namespace: 'default' }),
    );
    return Number(config?.workflowExecutionRetentionTtl?.seconds);
  };

  test('keeps closed workflows for 7 days', async () => {
    assert.equal(await retentionSeconds(first), 7 * DAY);
  });

  test('keeps the record of a server that version 0.1.0 started, whose Web UI is on 127.0.0.1', async (t) => {
    const folder = await temporaryFolder(t);
    const { uiAddress: _, ...older } = readRecord(home)!;
    await writeFile(recordPath(folder), JSON.stringify(older));
    assert.equal(readRecord(folder)?.uiAddress, '127.0.0.1');
  });

  test('shows its Web UI', async () => {
    const page = await fetch(first.uiUrl);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /<html/);
  });

  test('does not carry the API key of its command', { skip: process.platform !== 'linux' }, async () => {
    const environment = await readFile(`/proc/${first.pid}/environ`, 'utf8');
    assert.doesNotMatch(environment, /SOME_API_KEY|secret/);
  });

  test('comes back after a kill on the same ports with the same data', async () => {
    const workflowId = 'survivor';
    await withClient(first.address, (client) =>
      client.workflow.start('anything', { workflowId, taskQueue: 'nobody', memo: { kept: true } }),
    );
    process.kill(first.pid, 'SIGKILL');
    await whenDead(first.pid);
    assert.equal(await serverStatus(home), null);
    const second = await ensure();
    assert.equal(second.started, true);
    assert.notEqual(second.pid, first.pid);
    assert.equal(second.address, first.address);
    assert.equal(second.uiUrl, first.uiUrl);
    const { memo, status } = await withClient(second.address, (client) =>
      client.workflow.getHandle(workflowId).describe(),
    );
    assert.deepEqual(memo, { kept: true });
    assert.equal(status.name, 'RUNNING');
  });

  test('ends when it is stopped, and then starts under the same address', async () => {
    const { pid } = await ensure();
    assert.equal((await stopServer(home))?.pid, pid);
    assert.equal(isLiveProcess(pid, null), false);
    assert.equal(await serverStatus(home), null);
    assert.equal(await stopServer(home), null);
    assert.equal((await ensure()).address, first.address);
  });

  test('keeps them for 7 days again where its database has another rule', async () => {
    await withClient((await ensure()).address, (client) =>
      client.workflowService.updateNamespace({
        namespace: 'default',
        config: { workflowExecutionRetentionTtl: msToTs('90 days') },
      }),
    );
    assert.equal(await retentionSeconds(await ensure()), 90 * DAY);
    await stopServer(home);
    assert.equal(await retentionSeconds(await ensure()), 7 * DAY);
  });

  test('takes other ports when its own are taken', async () => {
    await stopServer(home);
    const squatter = createServer();
    const port = Number(first.address.split(':')[1]);
    await new Promise<void>((listening) => squatter.listen(port, '127.0.0.1', listening));
    try {
      assert.equal((await ensure()).started, true);
      assert.notEqual((await serverStatus(home))?.address, first.address);
    } finally {
      squatter.close();
    }
  });

  test('is one, when two commands start it at once', async () => {
    await stopServer(home);
    const source = new URL('../../src/temporal-server/embedded-server.ts', import.meta.url).href;
    const code = `
      import { ensureServer } from ${JSON.stringify(source)};
      const info = await ensureServer({ home: ${JSON.stringify(home)}, env: process.env, log: () => {} });
      console.log(JSON.stringify(info));`;
    const infos = await Promise.all(
      [1, 2, 3].map(async () => {
        const command = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
          env,
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let output = '';
        command.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
        await once(command, 'close');
        return JSON.parse(output) as ServerInfo;
      }),
    );
    assert.equal(new Set(infos.map(({ pid }) => pid)).size, 1);
    assert.equal(infos.filter(({ started }) => started).length, 1);
    assert.equal((await ensure()).pid, infos[0]?.pid);
  });

  test(
    'is not started a second time while it does not answer',
    { skip: process.platform === 'win32' },
    async () => {
      const { pid } = await ensure();
      await freeze(pid);
      const finding = ensure();
      const isToldOf = (line: string): boolean => line.includes(`process ${pid}), which does not answer yet`);
      await until(() => logged.some(isToldOf));
      // It waits for the one before, and that one for the server.
      const told = logged.length;
      const alsoFinding = ensure();
      await until(() => logged.length > told);
      process.kill(pid, 'SIGCONT');
      assert.equal((await finding).pid, pid);
      assert.equal((await alsoFinding).pid, pid);
      assert.deepEqual(
        logged.slice(told).filter((line) => !isToldOf(line)),
        [],
      );
    },
  );
});

test('a recorded pid that is another program now is neither taken for the server nor killed', async (t) => {
  const home = await temporaryFolder(t);
  const other = createServer((_, response) => response.end());
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
  t.after(() => other.close());
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  t.after(() => bystander.kill('SIGKILL'));
  const { port } = other.address() as AddressInfo;
  writeRecord(home, {
    pid: bystander.pid ?? 0,
    processStart: process.platform === 'linux' ? '1-00000000' : null,
    clusterId: 'another',
    ports: { grpc: port, ui: port, metrics: port, http: port },
    uiAddress: '127.0.0.1',
    startedAt: new Date().toISOString(),
  });
  assert.equal(await serverStatus(home), null);
  if (process.platform === 'linux') assert.equal(await stopServer(home), null);
  else await assert.rejects(stopServer(home), /does not answer as Temporal/);
  assert.ok(isLiveProcess(bystander.pid ?? 0, null));
});

test('a damaged database is an error that names the file to move away', async (t) => {
  const home = await temporaryFolder(t);
  await writeFile(join(home, 'temporal.db'), 'this was a database once'.repeat(1000));
  await assert.rejects(ensureServer({ home, env: await testEnv(home), log: () => {} }), (error: Error) => {
    assert.ok(error.message.includes(`move ${join(home, 'temporal.db')} `), error.message);
    assert.match(error.message, /server\.log ends with:\n.*not a database/);
    return true;
  });
  assert.equal(readRecord(home)?.pid, null);
});

test(
  'a server that ends at once is an error with the tail of its log',
  { skip: process.platform === 'win32' },
  async (t) => {
    const home = await temporaryFolder(t);
    const binary = await writeProgram(
      join(home, 'fails'),
      `console.log('--sqlite-pragma'); if (!process.argv.includes('--help')) { console.error('no luck today'); process.exit(7); }`,
    );
    const starting = ensureServer({ home, env: { DURABATCH_TEMPORAL_BIN: binary }, log: () => {} });
    await assert.rejects(starting, {
      message: /did not start: .*exit code 7[^]*server\.log ends with:\n[^]*no luck today/,
    });
  },
);

test('a record that is no record is an error that says what to do', async (t) => {
  const home = await temporaryFolder(t);
  await writeFile(join(home, 'server.json'), '{"pid":');
  await assert.rejects(serverStatus(home), {
    message: /server\.json: expected the record.*delete this file/,
  });
});
