/** What a web page reaches of the server: it can send requests to every port, under any name, and not under any address. */
import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test, type TestContext } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { readRecord } from '../../src/temporal-server/server-record.ts';
import { noBrowser, openBrowser, openPage } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/temporal-server.ts';
import { type Listener, listenersOf } from './support/places.ts';

const onLinux = { skip: process.platform !== 'linux' && 'only Linux shows what a process listens on' };
const WORKFLOW = 'victim-0123456789ab';

let server: TestServer;
let connection: Connection;
let client: Client;
before(async () => {
  server = await startTestServer();
  connection = await Connection.connect({ address: server.address });
  client = new Client({ connection });
  await client.workflow.start('anything', { workflowId: WORKFLOW, taskQueue: 'nobody' });
});
after(async () => {
  await connection.close();
  await server.stop();
});

const listeners = (): Promise<Listener[]> => listenersOf(readRecord(server.home)!.pid!);

const paths = ['', '/namespaces', `/namespaces/default/workflows/${WORKFLOW}`].map(
  (path) => `/api/v1${path}`,
);
const commands = ['signal/knock', 'update/set', 'cancel', 'terminate'].map(
  (command) => `/api/v1/namespaces/default/workflows/${WORKFLOW}/${command}`,
);

interface Ask {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
}

/** Status and body; `null`: what listens there does not speak HTTP/1. */
const ask = ({ address, port }: Listener, { method, path, headers }: Ask): Promise<[number, string] | null> =>
  new Promise((resolve) => {
    const asked = request({ host: address, port, method, path, headers }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve([response.statusCode!, body]));
    });
    asked.on('error', () => resolve(null));
    asked.end(method === 'POST' ? '{"signalName":"knock","reason":"a page"}' : undefined);
  });

async function assertUntouched(): Promise<void> {
  const { status, historyLength } = await client.workflow.getHandle(WORKFLOW).describe();
  assert.deepEqual([status.name, historyLength], ['RUNNING', 2]);
}

test('under a name of its own, a page reads nothing from any port on 127.0.0.1', onLinux, async () => {
  const onLoopback = (await listeners()).filter(({ address }) => address === '127.0.0.1');
  assert.equal(onLoopback.length, 6);
  for (const listener of onLoopback) {
    for (const path of ['/', '/metrics', ...paths]) {
      const headers = { host: `evil.example:${listener.port}` };
      const [status, body] = (await ask(listener, { method: 'GET', path, headers })) ?? [0, ''];
      assert.doesNotMatch(body, new RegExp(`${WORKFLOW}|"namespaces"|<html`), `${listener.port}${path}`);
      // Only the metrics, which name no batch, have an answer.
      if (status === 200) assert.equal(listener.port, readRecord(server.home)!.ports.metrics);
    }
  }
});

const posts: [string, (listener: Listener) => Record<string, string>][] = [
  ['of another origin', () => ({ origin: 'http://evil.example', 'content-type': 'text/plain' })],
  [
    'under a name of its own',
    ({ port }) => ({ host: `evil.example:${port}`, 'content-type': 'application/json' }),
  ],
];
for (const [title, headersFor] of posts) {
  test(`a POST ${title} changes nothing, whatever port it goes to`, onLinux, async () => {
    for (const listener of await listeners()) {
      for (const path of commands) {
        const answer = await ask(listener, { method: 'POST', path, headers: headersFor(listener) });
        assert.ok(answer === null || answer[0] >= 400, `${listener.port}${path}: ${answer?.join(' ')}`);
      }
    }
    await assertUntouched();
  });
}

/** A site whose name the browser resolves to 127.0.0.1, as after DNS rebinding. */
async function hostileSite(t: TestContext): Promise<string> {
  const site = createServer((_, response) => response.end('<!doctype html><title>harmless</title>'));
  await new Promise<void>((listening) => site.listen(0, '127.0.0.1', listening));
  t.after(() => site.close());
  return `http://evil.example:${(site.address() as AddressInfo).port}`;
}

test('a hostile page in a real browser reads and changes nothing', { skip: noBrowser }, async (t) => {
  const { ports, uiAddress } = readRecord(server.home)!;
  const browser = await openBrowser(['--host-resolver-rules=MAP evil.example 127.0.0.1']);
  t.after(() => browser.close());
  const page = await openPage(browser);
  await page.goto(await hostileSite(t));
  const { ui, ...others } = ports;
  const bases = [
    ...Object.values(others).map((port) => `http://127.0.0.1:${port}`),
    `http://${uiAddress}:${ui}`,
  ];
  const sent = await page.evaluate<number>(`(async () => {
    const urls = ${JSON.stringify(bases.flatMap((base) => commands.map((path) => base + path)))};
    const body = '{"signalName":"knock"}';
    const send = (url) => fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body });
    return (await Promise.allSettled(urls.map(send))).length;
  })()`);
  assert.equal(sent, bases.length * commands.length);
  await assertUntouched();

  for (const port of Object.values(ports)) {
    for (const path of paths) {
      // A page of its own: a navigation that failed may still be under way, and would end the next one.
      const visit = await openPage(browser);
      const response = await visit.goto(`http://evil.example:${port}${path}`).catch(() => null);
      const body = (await response?.text().catch(() => '')) ?? '';
      if (process.platform === 'linux') assert.doesNotMatch(body, new RegExp(`${WORKFLOW}|"namespaces"`));
      await visit.close();
    }
  }
  // The link that is printed goes on working.
  const link = await openPage(browser);
  await link.goto(`${server.uiUrl}/namespaces/default/workflows`);
  await link.getByText(WORKFLOW).filter({ visible: true }).first().waitFor();
});
