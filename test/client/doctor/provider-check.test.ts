import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { test, type TestContext } from 'node:test';
import { askProvider } from '../../../src/client/doctor/ask-provider.ts';
import type { Finding, Verdict } from '../../../src/client/doctor/finding.ts';
import { LONGEST_WAIT_MS } from '../../support/until.ts';
import { judgeAnswer, judgeTrouble } from '../../../src/client/doctor/provider-check.ts';

const key = 'a-key-that-must-not-be-seen';

async function listening(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function judged(
  baseUrl: string,
  model: string | null = 'm-1',
  apiKey: string | null = key,
): Promise<Finding> {
  const facts = { baseUrl, model, variable: 'KEY', hasKey: apiKey !== null, hasProxy: false };
  const finding = await askProvider(baseUrl, apiKey, AbortSignal.timeout(LONGEST_WAIT_MS)).then(
    (answer) => judgeAnswer(answer, facts),
    (error: unknown) => judgeTrouble(error, facts),
  );
  assert.ok(!JSON.stringify(finding).includes(key), 'the key is in it');
  if (finding.verdict !== 'ok') assert.ok(finding.advice, 'no advice');
  return finding;
}

const models = JSON.stringify({ data: [{ id: 'm-1' }, { id: 'm-2' }, null] });
const refusal = (message: string): string => JSON.stringify({ error: { message } });
const answers: [title: string, status: number, body: string, Verdict, RegExp][] = [
  ['its models, ours among them', 200, models, 'ok', /answers in \d+ ms and lists m-1$/],
  ['other models', 200, '{"data":[{"id":"m-9"}]}', 'warning', /does not list the model m-1; it lists m-9$/],
  ['a web page', 200, '<html>', 'warning', /not with a list of models/],
  [
    '401, echoing the key',
    401,
    refusal(`bad key ${key}`),
    'failed',
    /refuses the key \(401: bad key \[redacted\]\)/,
  ],
  ['403', 403, refusal('not here'), 'failed', /does not let this key or this place in \(403: not here\)/],
  ['402', 402, refusal('no balance'), 'failed', /no credit \(402: no balance\)/],
  ['404', 404, '', 'warning', /has no list of models there \(404\)/],
  ['429', 429, '{}', 'warning', /limits the rate/],
  ['503', 503, '', 'failed', /in trouble \(503\)/],
  ['a redirect', 301, '', 'failed', /redirect \(301\)/],
];
for (const [title, status, body, verdict, found] of answers) {
  test(`a provider that answers with ${title}: ${verdict}`, async (t) => {
    const server = createServer((_request, response: ServerResponse) => response.writeHead(status).end(body));
    const finding = await judged(`http://${await listening(t, server)}/v1`);
    assert.equal(finding.verdict, verdict, finding.found);
    assert.match(finding.found, found);
  });
}

test('the list is asked for with the key, at the path below the address, and costs nothing', async (t) => {
  const seen: unknown[] = [];
  const server = createServer(({ method, url, headers }, response) => {
    seen.push([method, url, headers.authorization]);
    response.end(models);
  });
  const baseUrl = `http://${await listening(t, server)}/v1`;
  const answer = await askProvider(baseUrl, key, AbortSignal.timeout(LONGEST_WAIT_MS));
  assert.deepEqual(answer.models, ['m-1', 'm-2']);
  assert.ok(Math.abs(answer.date! - Date.now()) < 60_000);
  assert.match((await judged(baseUrl, null)).found, /lists m-1, m-2; name one with --model$/);
  await askProvider(baseUrl, null, AbortSignal.timeout(LONGEST_WAIT_MS));
  assert.deepEqual(seen[0], ['GET', '/v1/models', `Bearer ${key}`]);
  assert.deepEqual(seen.at(-1), ['GET', '/v1/models', undefined]);
});

test('401 without a key is the matter of the key, not of the provider', async (t) => {
  const server = createServer((_request, response) => response.writeHead(401).end());
  assert.equal((await judged(`http://${await listening(t, server)}`, 'm-1', null)).verdict, 'ok');
});

test('how far a request came is told: the name, the connection, its encryption, HTTP', async (t) => {
  assert.match(
    (await judged('http://no-such-host.invalid/v1')).found,
    /the name no-such-host\.invalid is not known/,
  );

  const closed = createTcpServer();
  const free = await listening(t, closed);
  await new Promise((resolve) => closed.close(resolve));
  assert.match((await judged(`http://${free}`)).found, /nobody listens at 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/);

  const plain = await listening(
    t,
    createServer((_request, response) => response.end()),
  );
  assert.match((await judged(`https://${plain}`)).found, /does not speak TLS/);

  const silent = await listening(
    t,
    createTcpServer((socket) => socket.end()),
  );
  assert.match((await judged(`http://${silent}`)).found, /ends it without an answer in HTTP/);
});

test('a certificate that nobody vouches for is told as such', () => {
  const error = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  const facts = {
    baseUrl: 'https://example.com',
    model: null,
    variable: 'KEY',
    hasKey: true,
    hasProxy: false,
  };
  const { found, advice } = judgeTrouble(error, facts);
  assert.match(found, /certificate of example\.com is not trusted/);
  assert.match(advice ?? '', /NODE_EXTRA_CA_CERTS/);
});

test('a proxy that is set is named where nothing is reached', () => {
  const facts = {
    baseUrl: 'https://example.com',
    model: null,
    variable: 'KEY',
    hasKey: true,
    hasProxy: true,
  };
  const { advice } = judgeTrouble(Object.assign(new Error('x'), { code: 'ETIMEDOUT' }), facts);
  assert.match(advice ?? '', /A proxy is set in the environment, but requests to providers do not use it/);
});
