import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { FailureType } from '../../src/core/receipt.ts';
import { ProviderFault, shorten, toProviderFault } from '../../src/providers/provider-fault.ts';
import { HttpError } from '../../src/providers/transport/wire-errors.ts';
import { type FakeReply, reply, startFakeProvider } from '../support/fake-provider.ts';
import { API_KEY, chatApi, patient, requestFor } from './settings.ts';

const now = new Date('2026-10-01T12:00:00Z');

/** The fault of one request that is answered like this, over real HTTP. */
async function faultOf(
  t: TestContext,
  answer: FakeReply,
  timeouts = {},
  apiKey = API_KEY,
): Promise<ProviderFault> {
  const provider = await startFakeProvider({ script: () => answer });
  t.after(() => provider.close());
  return rejection(
    chatApi(provider.baseUrl, 'openai-compatible', apiKey).complete(requestFor('x'), {
      ...patient(),
      ...timeouts,
    }),
  );
}

async function rejection(asked: Promise<unknown>): Promise<ProviderFault> {
  const error: unknown = await asked.then(
    () => assert.fail('it was answered'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ProviderFault, String(error));
  return error;
}

const Fault = 'Completion.Fault';
const Unavailable = 'Completion.Unavailable';
const Rejected = 'Completion.Rejected';
const AccountBlocked = 'Completion.AccountBlocked';

const mayBePaid = true;
const byStatus: [status: number, failure: FailureType, possiblyPaid?: boolean][] = [
  [301, AccountBlocked],
  [307, AccountBlocked],
  [400, Rejected],
  [401, AccountBlocked],
  [402, AccountBlocked],
  [403, AccountBlocked],
  [404, AccountBlocked],
  [405, AccountBlocked],
  [406, Rejected],
  [408, Fault, mayBePaid],
  [409, Fault],
  [410, AccountBlocked],
  [413, Rejected],
  [415, Rejected],
  [418, Rejected],
  [422, Rejected],
  [425, Fault],
  [429, Unavailable],
  [431, Rejected],
  [451, AccountBlocked],
  [499, Fault, mayBePaid],
  [500, Fault],
  [501, Fault],
  [502, Unavailable],
  [503, Unavailable],
  [504, Unavailable, mayBePaid],
  [520, Unavailable],
  [521, Unavailable],
  [522, Unavailable],
  [523, Unavailable],
  [524, Unavailable, mayBePaid],
  [529, Unavailable],
  [599, Fault],
];
for (const [status, failure, possiblyPaid = false] of byStatus) {
  test(`HTTP ${status} is ${failure}, and ${possiblyPaid ? 'may have been paid' : 'costs nothing'}`, async (t) => {
    const fault = await faultOf(
      t,
      reply.status(status, { message: 'why', headers: { 'x-request-id': 'r1' } }),
    );
    assert.equal(fault.failure, failure);
    assert.equal(fault.status, status);
    assert.equal(fault.message, `HTTP ${status}: why`);
    assert.equal(fault.requestId, 'r1');
    assert.equal(fault.possiblyPaid, possiblyPaid);
  });
}

const byBody: [title: string, status: number, body: unknown, failure: FailureType][] = [
  [
    'a used-up quota under 429',
    429,
    { error: { message: 'You exceeded your quota', code: 'insufficient_quota' } },
    AccountBlocked,
  ],
  [
    'a used-up quota by type',
    429,
    { error: { message: 'x', type: 'insufficient_quota', code: null } },
    AccountBlocked,
  ],
  [
    'a rate that speaks of quota',
    429,
    { error: { message: 'You exceeded your current quota', code: 429 } },
    Unavailable,
  ],
  ['an empty balance under 429', 429, { error: { message: 'Insufficient balance' } }, AccountBlocked],
  [
    'an empty balance under 400',
    400,
    { error: { message: 'Your credit balance is too low to access the API' } },
    AccountBlocked,
  ],
  [
    'a billing limit under 400',
    400,
    { error: { message: 'x', code: 'billing_hard_limit_reached' } },
    AccountBlocked,
  ],
  [
    'a bad key under 400',
    400,
    { error: { message: 'API key not valid. Please pass a valid API key.', code: 400 } },
    AccountBlocked,
  ],
  [
    'an unknown model under 400, by code',
    400,
    { error: { message: 'x', code: 'model_not_found' } },
    AccountBlocked,
  ],
  [
    'an unknown model under 400, by words',
    400,
    { error: { message: 'Model Not Exist', code: 'invalid_request_error' } },
    AccountBlocked,
  ],
  [
    'an unknown model as a bare message',
    404,
    { object: 'error', message: 'The model `m` does not exist.', code: 404 },
    AccountBlocked,
  ],
  [
    'a content filter under 400',
    400,
    { error: { message: 'The response was filtered', code: 'content_filter' } },
    Rejected,
  ],
  ['DeepSeek refusing a content', 400, { error: { message: 'Content Exists Risk' } }, Rejected],
  [
    'a flagged input under 403',
    403,
    { error: { message: 'Your chosen model requires moderation and your input was flagged' } },
    Rejected,
  ],
  [
    'a content filter that waits behind a 429',
    429,
    { error: { message: 'moderation service is busy' } },
    Unavailable,
  ],
  ['a text as error', 400, { error: 'prompt is too long' }, Rejected],
  ['a list of details', 422, { detail: [{ msg: 'Field required' }, { msg: 'too long' }] }, Rejected],
];
for (const [title, status, body, failure] of byBody) {
  test(`the body decides: ${title}`, async (t) => {
    const fault = await faultOf(t, reply.status(status, { body }));
    assert.equal(fault.failure, failure);
    assert.equal(fault.status, status);
    assert.equal(fault.possiblyPaid, false);
    assert.ok(fault.message.length > `HTTP ${status}: `.length, fault.message);
  });
}

const messages: [title: string, answer: FakeReply, message: string | RegExp][] = [
  ['a text as error', reply.status(400, { body: { error: 'too long' } }), 'HTTP 400: too long'],
  [
    'a list of details',
    reply.status(422, { body: { detail: [{ msg: 'a' }, { msg: 'b' }] } }),
    'HTTP 422: a; b',
  ],
  [
    'a page of HTML',
    reply.raw('<html><head><style>p {}</style><title>502 Bad Gateway</title></head><p>nginx</p></html>', {
      status: 502,
    }),
    'HTTP 502: Bad Gateway',
  ],
  [
    "nginx's page",
    reply.raw(
      '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n',
      { status: 502 },
    ),
    'HTTP 502: Bad Gateway',
  ],
  [
    'a page with a paragraph',
    reply.raw(
      '<!DOCTYPE html><html><head><title>Error 503</title></head><body><h1>Service Unavailable</h1><p>Our servers are <b>busy</b> now.</p><p>x y z</p></body></html>',
      { status: 503 },
    ),
    'HTTP 503: Service Unavailable: Our servers are busy now.',
  ],
  [
    "Cloudflare's page",
    reply.raw(
      '<!-- x --><!DOCTYPE html><html><head><title>api.example | 522: Connection timed out</title></head><body><h1><span>Connection timed out</span> <span>Error code 522</span></h1></body></html>',
      { status: 522 },
    ),
    'HTTP 522: api.example | 522: Connection timed out',
  ],
  ...[
    '',
    '<?xml version="1.0" encoding="iso-8859-1"?>\n',
    '\uFEFF<?xml version="1.0"?>',
    '\r\n\r\n ',
    '<!-- a --> <!-- <b> -->\n<?xml version="1.0"?><!-- c -->',
  ].map((prolog): [string, FakeReply, string] => [
    `lighttpd's page behind ${JSON.stringify(prolog)}`,
    reply.raw(
      `${prolog}<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"\n "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n<html><head><title>503 - Service Not Available</title></head>\n<body><h1>503 - Service Not Available</h1></body></html>`,
      { status: 503 },
    ),
    'HTTP 503: Service Not Available',
  ]),
  [
    "Apache's page",
    reply.raw(
      '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>503 Service Unavailable</title>\n</head><body>\n<h1>Service Unavailable</h1>\n<p>The server is temporarily unable to service your\nrequest. Please try again later.</p>\n</body></html>\n',
      { status: 503 },
    ),
    'HTTP 503: Service Unavailable: The server is temporarily unable to service your request. Please try again later.',
  ],
  [
    'the page of IIS',
    reply.raw(
      '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN""http://www.w3.org/TR/html4/strict.dtd">\r\n<HTML><HEAD><TITLE>Service Unavailable</TITLE>\r\n<META HTTP-EQUIV="Content-Type" Content="text/html; charset=us-ascii"></HEAD>\r\n<BODY><h2>Service Unavailable</h2>\r\n<hr><p>HTTP Error 503. The service is unavailable.</p>\r\n</BODY></HTML>\r\n',
      { status: 503 },
    ),
    'HTTP 503: Service Unavailable: The service is unavailable.',
  ],
  [
    'XML of a storage service',
    reply.raw('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code></Error>', {
      status: 503,
    }),
    'HTTP 503: SlowDown',
  ],
  [
    'a comment without an end',
    reply.raw(`${'<!-- '.repeat(3000)}<html><title>x</title></html>`, { status: 500 }),
    /^HTTP 500: (<!-- )+/,
  ],
  [
    'a page without a title',
    reply.raw('<html><body>upstream is gone</body></html>', { status: 500 }),
    'HTTP 500: upstream is gone',
  ],
  [
    'a page inside of JSON',
    reply.status(500, {
      message: '<html><title>500 Oops</title><h1>500 Oops</h1><p>nginx</p></html>',
    }),
    'HTTP 500: Oops',
  ],
  ['comments only', reply.raw('<!---->'.repeat(2000), { status: 500 }), 'HTTP 500, without a message'],
  ['a long page', reply.raw(`<html>${'x'.repeat(5000)}</html>`, { status: 500 }), /^HTTP 500: x{199}…$/],
  ['plain text', reply.raw('upstream  gone\n', { status: 503 }), 'HTTP 503: upstream gone'],
  ['nothing', reply.raw('', { status: 500 }), 'HTTP 500, without a message'],
  ['JSON of no known shape', reply.raw('{"oops": true}', { status: 500 }), 'HTTP 500: {"oops": true}'],
  [
    'terminal control characters',
    reply.status(400, { message: 'red \u001b[31m and \u0007bell' }),
    'HTTP 400: red [31m and bell',
  ],
  ['more than anyone reads', reply.status(400, { message: 'x'.repeat(10_000) }), /^HTTP 400: x{488,489}…$/],
  ['megabytes', reply.raw('y'.repeat(3_000_000), { status: 500 }), /^HTTP 500: y+…$/],
  [
    'the key, echoed',
    reply.status(401, { message: `Incorrect API key provided: ${API_KEY}.` }),
    /^HTTP 401: Incorrect API key provided: \[redacted\]\.?$/,
  ],
  [
    'a masked key, echoed',
    reply.status(401, { message: 'Incorrect key sk-proj-ab***********cdef, see docs' }),
    'HTTP 401: Incorrect key [redacted], see docs',
  ],
  [
    'the header, echoed',
    reply.status(400, { message: `got Authorization: Bearer ${API_KEY}` }),
    'HTTP 400: got Authorization: Bearer [redacted]',
  ],
];
for (const [title, answer, message] of messages) {
  test(`keeps the provider's words: ${title}`, async (t) => {
    const fault = await faultOf(t, answer);
    if (typeof message === 'string') assert.equal(fault.message, message);
    else assert.match(fault.message, message);
  });
}

const redirects: [location: string, message: string][] = [
  ['/v2/chat/completions', 'redirects to ORIGIN/v2: set that as --base-url'],
  ['https://127.0.0.1/v1/chat/completions?x=1', 'redirects to https://127.0.0.1/v1: set that as --base-url'],
  ['/login?next=/v1', 'redirects to ORIGIN/login?next=/v1. Check --base-url.'],
  [
    'https://elsewhere.example/v1/chat/completions',
    'redirects to another host, https://elsewhere.example/v1/chat/completions, which was sent neither the key nor the prompt. Check --base-url.',
  ],
  [
    'https://127.0.0.1@elsewhere.example/v1',
    'redirects to another host, https://127.0.0.1@elsewhere.example/v1, which was sent neither the key nor the prompt. Check --base-url.',
  ],
  ...['file:///etc/passwd', 'javascript:alert(1)', 'data:text/html,x', 'http://[', 'ftp://127.0.0.1/'].map(
    (location): [string, string] => [location, 'redirects to what is no web address. Check --base-url.'],
  ),
];
for (const [location, message] of redirects) {
  test(`a redirect to ${location} is told of, and followed by nobody`, async (t) => {
    const provider = await startFakeProvider({
      script: () => reply.status(308, { headers: { location }, message: 'x' }),
    });
    t.after(() => provider.close());
    const fault = await rejection(chatApi(provider.baseUrl).complete(requestFor('x'), patient()));
    const { origin } = new URL(provider.baseUrl);
    assert.equal(fault.message, `HTTP 308: ${message.replace('ORIGIN', origin)}`);
    assert.equal(provider.requests, 1);
  });
}

test('an address that is no longer secure is not advised', () => {
  const headers = new Map([['location', 'http://api.example/v1/chat/completions']]);
  const asked = 'https://api.example/v1/chat/completions';
  const named = { get: (name: string) => headers.get(name) ?? null };
  assert.equal(
    toProviderFault(new HttpError(301, named, '', asked), now).message,
    'HTTP 301: redirects to http://api.example/v1/chat/completions. Check --base-url.',
  );
});

test('the key shows in no request id either', async (t) => {
  const fault = await faultOf(t, reply.status(500, { headers: { 'x-request-id': `id-${API_KEY}` } }));
  assert.doesNotMatch(String(fault.requestId), /0123456789abcdef/);
});

test('passes on the delay a provider asks for', async (t) => {
  const fault = await faultOf(t, reply.status(429, { headers: { 'retry-after': '86400' } }));
  assert.equal(fault.retryAfterMs, 86_400_000);
});

test('takes a delay without a date or number for none', async (t) => {
  const fault = await faultOf(t, reply.status(503, { headers: { 'retry-after': 'later' } }));
  assert.equal(fault.retryAfterMs, null);
});

const withoutAnswer: [title: string, answer: FakeReply, status: number | null, message: RegExp][] = [
  ['reset before headers', reply.cut('before headers'), null, /connection broke/],
  ['reset after headers', reply.cut('after headers'), null, /connection broke/],
  ['reset in mid-body', reply.cut('mid-body'), null, /connection broke/],
  ['ended before headers', reply.cut('before headers', 'end'), null, /connection broke/],
  ['ended in mid-body', reply.cut('mid-body', 'end'), null, /connection broke/],
  ['broken JSON', reply.brokenJson(), 200, /not JSON; it begins: \{"id": "broken"/],
  [
    'HTML under 200',
    reply.raw('<html>login</html>', { headers: { 'content-type': 'text/html' } }),
    200,
    /not JSON/,
  ],
  ['an empty body', reply.emptyBody(), 200, /empty body/],
  ['blank lines alone', reply.raw('\n\n\n'), 200, /empty body/],
  ['204', reply.raw('', { status: 204 }), 204, /empty body/],
  ['no choices', reply.noChoices(), 200, /no choice with a message/],
  ['choices that are none', reply.raw('{"choices": {"0": "x"}}'), 200, /no choice with a message/],
  [
    'a choice without a message',
    reply.raw('{"choices": [{"index": 0}, null]}'),
    200,
    /no choice with a message/,
  ],
  ['JSON that is no object', reply.raw('[1]'), 200, /no choice with a message/],
  [
    'an error under 200',
    reply.raw('{"error": {"message": "upstream failed", "code": 502}}'),
    200,
    /upstream failed/,
  ],
  ['more than its max_tokens can make', reply.flood(65 * 1024 * 1024), 200, /longer than 1 MB, more than/],
];
for (const [title, answer, status, message] of withoutAnswer) {
  test(`may have been paid: ${title}`, async (t) => {
    const fault = await faultOf(t, answer);
    assert.equal(fault.failure, Fault);
    assert.equal(fault.possiblyPaid, true);
    assert.equal(fault.status, status);
    assert.match(fault.message, message);
  });
}

const timeouts: [title: string, answer: FakeReply, limits: object, message: RegExp][] = [
  ['never a byte', reply.silence(), { idleTimeoutMs: 80 }, /Not a byte .* 0\.08 s \(--idle-timeout\)/],
  [
    'headers and nothing more',
    reply.silence({ headersFirst: true }),
    { idleTimeoutMs: 80 },
    /--idle-timeout/,
  ],
  [
    'keep-alive lines beyond the request timeout',
    reply.blankLines(60_000),
    { requestTimeoutMs: 150, idleTimeoutMs: 30_000 },
    /0\.15 s \(--request-timeout\)/,
  ],
];
for (const [title, answer, limits, message] of timeouts) {
  test(`times out: ${title}`, async (t) => {
    const fault = await faultOf(t, answer, limits);
    assert.equal(fault.failure, Fault);
    assert.equal(fault.possiblyPaid, true);
    assert.equal(fault.status, null);
    assert.match(fault.message, message);
  });
}

test('a refused connection is the provider being unavailable, and costs nothing', async () => {
  const provider = await startFakeProvider();
  await provider.close();
  const fault = await rejection(chatApi(provider.baseUrl).complete(requestFor('x'), patient()));
  assert.equal(fault.failure, Unavailable);
  assert.equal(fault.possiblyPaid, false);
  assert.match(fault.message, /cannot be reached.*ECONNREFUSED/);
});

test('so is a name that does not resolve', async () => {
  const fault = await rejection(
    chatApi('https://no-such-host.invalid/v1').complete(requestFor('x'), patient()),
  );
  assert.equal(fault.failure, Unavailable);
  assert.equal(fault.possiblyPaid, false);
  assert.match(fault.message, /no-such-host\.invalid/);
});

test('https at a port without TLS blocks: waiting does not mend it', async (t) => {
  const provider = await startFakeProvider();
  t.after(() => provider.close());
  const fault = await rejection(
    chatApi(provider.baseUrl.replace('http:', 'https:')).complete(requestFor('x'), patient()),
  );
  assert.equal(fault.failure, AccountBlocked);
  assert.equal(fault.possiblyPaid, false);
  assert.match(fault.message, /No secure connection/);
});

test('something that is no HTTP server may have been paid', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('220 mail.example ESMTP\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const fault = await rejection(chatApi(`http://127.0.0.1:${port}/v1`).complete(requestFor('x'), patient()));
  assert.equal(fault.failure, Fault);
  assert.equal(fault.possiblyPaid, true);
});

// What this machine cannot be made to do over a real connection.
const coded = (code: string, syscall?: string, message = code): Error =>
  Object.assign(new Error(message), { code, syscall });
const wrapped = (cause: Error): Error => new TypeError('fetch failed', { cause });
const connection: [title: string, error: Error, failure: FailureType, possiblyPaid: boolean][] = [
  ['an expired certificate', wrapped(coded('CERT_HAS_EXPIRED')), AccountBlocked, false],
  ['a self-signed certificate', wrapped(coded('DEPTH_ZERO_SELF_SIGNED_CERT')), AccountBlocked, false],
  ['an unknown issuer', wrapped(coded('UNABLE_TO_GET_ISSUER_CERT_LOCALLY')), AccountBlocked, false],
  ["another host's certificate", wrapped(coded('ERR_TLS_CERT_ALTNAME_INVALID')), AccountBlocked, false],
  ['a resolver that is down', wrapped(coded('EAI_AGAIN', 'getaddrinfo')), Unavailable, false],
  ['no route while connecting', wrapped(coded('EHOSTUNREACH', 'connect')), Unavailable, false],
  ['a timeout while connecting', wrapped(coded('ETIMEDOUT', 'connect')), Unavailable, false],
  ['undici giving up connecting', wrapped(coded('UND_ERR_CONNECT_TIMEOUT')), Unavailable, false],
  [
    'a reset before TLS stood',
    wrapped(
      coded(
        'ECONNRESET',
        undefined,
        'Client network socket disconnected before secure TLS connection was established',
      ),
    ),
    Unavailable,
    false,
  ],
  [
    'every address refusing',
    wrapped(Object.assign(new AggregateError([coded('ECONNREFUSED', 'connect')]), { code: 'ECONNREFUSED' })),
    Unavailable,
    false,
  ],
  [
    'every address timing out',
    wrapped(Object.assign(new AggregateError([coded('ETIMEDOUT', 'connect')]), { code: 'ETIMEDOUT' })),
    Unavailable,
    false,
  ],
  ['a timeout while reading', wrapped(coded('ETIMEDOUT', 'read')), Fault, true],
  ['a broken pipe', wrapped(coded('EPIPE', 'write')), Fault, true],
  ['anything unforeseen', new Error('unforeseen'), Fault, true],
];
for (const [title, error, failure, possiblyPaid] of connection) {
  test(`the connection: ${title}`, () => {
    const fault = toProviderFault(error, now);
    assert.deepEqual([fault.failure, fault.possiblyPaid], [failure, possiblyPaid]);
  });
}

test('a fault stays the fault it is', () => {
  const fault = new ProviderFault({ failure: Rejected, message: 'x', possiblyPaid: false });
  assert.equal(toProviderFault(fault, now), fault);
});

test('shortens without cutting a character in two', () => {
  assert.equal(shorten('😀'.repeat(10), 5), '😀😀😀😀…');
  assert.equal(shorten('short', 5), 'short');
});

const SECRET = 'recognisable+test+key+0123456789';
const PAGE = 'text/html';
/** Answers that are cut, one of which may go through the key; `at`: characters before it. */
const cutBodies: [title: string, body: (at: number) => FakeReply][] = [
  [
    'a page of HTML',
    (at) =>
      reply.raw(`<html><title>${'x'.repeat(at)} ${SECRET} and more text</title></html>`, {
        status: 400,
        headers: { 'content-type': PAGE },
      }),
  ],
  ['a message', (at) => reply.status(400, { message: `${'x'.repeat(at)} ${SECRET} and more` })],
  ['an answer that is no JSON', (at) => reply.raw(`${'x'.repeat(at)} ${SECRET} and more`)],
  [
    'an answer without a choice',
    (at) => reply.raw(JSON.stringify({ choices: [], error: `${'x'.repeat(at)} ${SECRET} and more` })),
  ],
];
for (const [title, body] of cutBodies) {
  test(`wherever ${title} is cut, no part of the key is left`, async (t) => {
    let at = 0;
    const provider = await startFakeProvider({ script: () => body(at) });
    t.after(() => provider.close());
    const api = chatApi(provider.baseUrl, 'openai-compatible', SECRET);
    const lengths = [100, 120, 200, 300, 500];
    for (const length of lengths) {
      for (at = length - 60; at <= length; at += 4) {
        const { message } = await rejection(api.complete(requestFor('x'), patient()));
        assert.doesNotMatch(message, /recogn|0123/, `${at}: ${message}`);
      }
    }
  });
}

test('markup and characters that do not show hide no key', async (t) => {
  for (const between of ['<b>', '\u0001', '\u200b', '<i>\u0007', '\u001b[m']) {
    const hidden = [...SECRET].join(between);
    const fault = await faultOf(t, reply.status(400, { message: `bad key ${hidden}!` }), {}, SECRET);
    assert.equal(fault.message, 'HTTP 400: bad key [redacted]!', JSON.stringify(between));
  }
});
