import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { readRecord } from '../../src/temporal-server/server-record.ts';
import { refusesWebPages } from '../../src/temporal-server/web-page-check.ts';
import { useTestServer } from '../support/temporal-server.ts';

async function portThatAnswers(t: TestContext, status: number): Promise<number> {
  const server = createServer((_request, response) => response.writeHead(status).end('{"namespaces":[]}'));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

const server = useTestServer();

test('the server that is started refuses web pages', async () => {
  assert.equal(await refusesWebPages(readRecord(server.home)!.ports.http), true);
});

for (const status of [200, 401, 404, 500]) {
  test(`one that answers a web page with ${status} does not refuse it`, async (t) => {
    assert.equal(await refusesWebPages(await portThatAnswers(t, status)), false);
  });
}

test('a port that is closed refuses', async () => {
  const closed = createServer();
  await new Promise<void>((listening) => closed.listen(0, '127.0.0.1', listening));
  const { port: free } = closed.address() as AddressInfo;
  await new Promise((ended) => closed.close(ended));
  assert.equal(await refusesWebPages(free), true);
});
