/** What a provider can send: each ends as a classified fault or a kept answer, in time and in bounds. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { providers } from '../../src/providers/catalog.ts';
import { createChatApi } from '../../src/providers/chat-api.ts';
import type { CompletionResponse } from '../../src/providers/completion-api.ts';
import { ProviderFault } from '../../src/providers/provider-fault.ts';
import { answer, drip, pump, type RawReply, response, startRawProvider } from './support/raw-provider.ts';

const key = 'recognisable+test+key+0123456789';
const MB = 1024 * 1024;
/** Nothing that is sent at full speed takes that long; what is dripped takes longer than the other. */
const [PATIENT_MS, IMPATIENT_MS] = [60_000, 1500];

const request = {
  model: 'asked-model',
  messages: [{ role: 'user' as const, content: 'Question?' }],
  ...{ temperature: 1, topP: 1, maxTokens: 1_000_000, n: 1, thinking: false, promptId: 'p', samples: [1] },
};

type Outcome = CompletionResponse | ProviderFault;

async function ask(t: TestContext, reply: RawReply, requestTimeoutMs: number = PATIENT_MS): Promise<Outcome> {
  const { baseUrl } = await startRawProvider(t, reply);
  const api = createChatApi(providers['openai-compatible'], baseUrl, key);
  return api
    .complete(request, {
      signal: new AbortController().signal,
      requestTimeoutMs,
      idleTimeoutMs: PATIENT_MS,
    })
    .catch((error: unknown) => {
      if (error instanceof ProviderFault) return error;
      throw error;
    });
}

const bodyAfter =
  (head: string, chunk: Buffer, bytes: number): RawReply =>
  (socket) => {
    socket.write(head);
    pump(socket, chunk, bytes);
  };
const OK_HEAD = 'HTTP/1.1 200 OK\r\n\r\n';
const bomb = gzipSync(Buffer.alloc(200 * MB));

const faults: [string, RawReply, RegExp, Partial<ProviderFault>?][] = [
  ['a body without end', bodyAfter(OK_HEAD, Buffer.alloc(MB, 'x'), 1e12), /longer than 64 MB/],
  ['200 MB of blank lines', bodyAfter(OK_HEAD, Buffer.alloc(MB, '\n'), 200 * MB), /longer than 64 MB/],
  ['a giant header', bodyAfter('HTTP/1.1 200 OK\r\nx: ', Buffer.alloc(MB, 'y'), 50 * MB), /OVERFLOW/i],
  [
    'very many headers',
    (socket) => void socket.end(response(answer(), { headers: 'x: y\r\n'.repeat(20_000) })),
    /OVERFLOW/i,
  ],
  ['millions of choices', json(`{"choices":[${'{},'.repeat(5e6)}{}]}`), /too many or too deeply nested/],
  [
    'a million good choices',
    json(answer({ choices: Array.from({ length: 1e6 }, () => ({ message: { content: 'a' } })) })),
    /too many or too deeply nested/,
  ],
  [
    'millions of levels',
    json(`{"choices":[{"message":{"content":${'['.repeat(5e6)}${']'.repeat(5e6)}}}]}`),
    /too many or too deeply nested/,
  ],
  [
    'markup without end where the choices should be',
    json(JSON.stringify({ choices: [], error: '<script <a'.repeat(1e6) })),
    /no choice with a message/,
  ],
  [
    'markup without end in an error',
    (socket) => void socket.end(response('<script <a'.repeat(1e5), { status: '500 No' })),
    /^HTTP 500/,
    { status: 500 },
  ],
  [
    'a compressed bomb',
    (socket) => void socket.end(response(bomb, { headers: 'content-encoding: gzip\r\n' })),
    /longer than 64 MB/,
  ],
  [
    'a compressed bomb as an error',
    (socket) => void socket.end(response(bomb, { status: '500 No', headers: 'content-encoding: gzip\r\n' })),
    /^HTTP 500/,
  ],
  [
    'two hundred layers of compression',
    (socket) =>
      void socket.end(
        response('x', { headers: `content-encoding: ${Array(200).fill('gzip').join(', ')}\r\n` }),
      ),
    /content-encodings/,
  ],
  [
    'a redirect to a file',
    redirect('file:///etc/passwd'),
    /redirects to/,
    { failure: 'Completion.AccountBlocked', possiblyPaid: false },
  ],
  [
    "a redirect to a cloud machine's metadata",
    redirect('http://169.254.169.254/latest/'),
    /redirects to/,
    { failure: 'Completion.AccountBlocked' },
  ],
  [
    'chunks of garbage',
    raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZZ\r\nhello'),
    /connection broke/,
  ],
  [
    'a chunk of absurd length',
    raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nhello'),
    /connection broke/,
  ],
  ['a negative length', raw('HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n{}'), /connection broke/],
  [
    'an absurd length',
    raw('HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n{}'),
    /connection broke/,
  ],
  ['no HTTP at all', raw(answer()), /connection broke/],
  [
    'another protocol',
    raw('HTTP/1.1 101 Go\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'),
    /connection broke/,
  ],
  ['no content', raw('HTTP/1.1 204 No\r\n\r\n'), /empty body/],
  ['status 000', (socket) => void socket.end(response(answer(), { status: '000 X' })), /connection broke/],
  [
    'status 999',
    (socket) => void socket.end(response('{}', { status: '999 X' })),
    /^HTTP 999/,
    { status: 999 },
  ],
  [
    'a delay of billions of years',
    (socket) =>
      void socket.end(response('{}', { status: '429 X', headers: 'retry-after: 99999999999999999999\r\n' })),
    /^HTTP 429/,
    { failure: 'Completion.Unavailable', retryAfterMs: Number.MAX_SAFE_INTEGER },
  ],
  // Its text is not waited for long.
  [
    'an error a byte at a time, for ever',
    (socket) => (socket.write('HTTP/1.1 500 No\r\n\r\n'), drip(socket, 'x', 100)),
    /^HTTP 500/,
    { status: 500, possiblyPaid: false },
  ],
];

/** Never over, whatever the idle timeout thinks of it. */
const slow: typeof faults = [
  [
    'a byte now and then, for ever',
    (socket) => (socket.write(OK_HEAD), drip(socket, '\n', 100)),
    /--request-timeout/,
  ],
  [
    'headers a byte at a time, for ever',
    (socket) => (socket.write('HTTP/1.1 200 OK\r\nx: '), drip(socket, 'x', 100)),
    /--request-timeout/,
  ],
  ['early hints for ever', (socket) => drip(socket, 'HTTP/1.1 103 Hint\r\n\r\n', 50), /--request-timeout/],
];

const answers: [string, RawReply, Partial<CompletionResponse>][] = [
  ['negative usage', json(answer({ usage: { prompt_tokens: -5, completion_tokens: 2 } })), { usage: null }],
  ['infinite usage', json(answer().replace('"prompt_tokens":3', '"prompt_tokens":1e999')), { usage: null }],
  [
    'usage in words',
    json(answer({ usage: { prompt_tokens: 'NaN', completion_tokens: {} } })),
    { usage: null },
  ],
  [
    '__proto__ everywhere',
    json(
      '{"__proto__":{"model":"evil","usage":{"prompt_tokens":1,"completion_tokens":1}},"choices":[{"message":{"__proto__":{"reasoning":"evil"},"content":"good"},"finish_reason":"stop"}]}',
    ),
    { choices: [{ text: 'good', finishReason: 'stop' }], model: 'asked-model', usage: null },
  ],
  [
    'an object as finish reason',
    json(answer({ choices: [{ message: { content: 'good' }, finish_reason: { a: 1 } }] })),
    { choices: [{ text: 'good', finishReason: 'unknown' }] },
  ],
  ['a number as model', json(answer({ model: 42 })), { model: 'asked-model' }],
  ['another content type', raw(response(answer(), { headers: 'content-type: image/png\r\n' })), {}],
  ['HTTP/1.0', raw(`HTTP/1.0 200 OK\r\n\r\n${answer()}`), {}],
  ['an unknown encoding', raw(response(answer(), { headers: 'content-encoding: zork\r\n' })), {}],
  ['the same answer twice', raw(Buffer.concat([response(answer()), response(answer())])), {}],
  [
    'a text with NUL and halves of characters',
    json(
      '{"choices":[{"message":{"content":"a\\u0000b\\ud800c"},"finish_reason":"st\\ud800op\\u001b[31m"}],"model":"m\\udfff"}',
    ),
    { choices: [{ text: 'a\0b\ud800c', finishReason: 'st\ufffdop [31m' }], model: 'm\ufffd' },
  ],
  [
    'a text of 5 MB',
    json(answer({ choices: [{ message: { content: 'x'.repeat(5 * MB) }, finish_reason: 'stop' }] })),
    { choices: [{ text: 'x'.repeat(5 * MB), finishReason: 'stop' }] },
  ],
  [
    'a finish reason of a megabyte',
    json(answer({ choices: [{ message: { content: 'good' }, finish_reason: 'r'.repeat(MB) }] })),
    { choices: [{ text: 'good', finishReason: `${'r'.repeat(99)}…` }] },
  ],
  [
    'the key, wherever it fits',
    raw(
      response(
        answer({
          choices: [{ message: { content: `it is ${key}`, reasoning_content: key }, finish_reason: key }],
          model: key,
        }),
        { headers: `x-request-id: ${key}\r\n` },
      ),
    ),
    {
      choices: [{ text: 'it is [redacted]', reasoning: '[redacted]', finishReason: '[redacted]' }],
      model: '[redacted]',
      requestId: '[redacted]',
    },
  ],
];

function raw(bytes: string | Buffer): RawReply {
  return (socket) => void socket.end(bytes);
}

function json(text: string): RawReply {
  return raw(response(text));
}

function redirect(to: string): RawReply {
  return raw(response('', { status: '302 Found', headers: `location: ${to}\r\n` }));
}

for (const [title, reply, message, facts = { failure: 'Completion.Fault' }] of [...faults, ...slow]) {
  test(`is a fault: ${title}`, async (t) => {
    const isSlow = slow.some((row) => row[0] === title);
    const outcome = await ask(t, reply, isSlow ? IMPATIENT_MS : PATIENT_MS);
    assert.ok(
      outcome instanceof ProviderFault,
      `expected a fault, got ${JSON.stringify(outcome).slice(0, 200)}`,
    );
    assert.match(outcome.message, message);
    assert.ok(outcome.message.length <= 500);
    for (const [name, value] of Object.entries(facts))
      assert.equal(outcome[name as keyof ProviderFault], value);
  });
}

for (const [title, reply, expected] of answers) {
  test(`is an answer: ${title}`, async (t) => {
    const outcome = await ask(t, reply);
    assert.ok(!(outcome instanceof ProviderFault), `expected an answer, got ${JSON.stringify(outcome)}`);
    assert.deepEqual({ ...outcome, ...expected }, outcome);
  });
}

test('a key that is echoed is kept out of every part of a fault', async (t) => {
  const body = JSON.stringify({ error: { message: `bad ${key}, Bearer ${key}`, code: key, type: key } });
  const headers = `x-request-id: ${key}\r\n`;
  const refused = await ask(t, raw(response(body, { status: '401 No', headers })));
  const elsewhere = `location: http://127.0.0.1/?a=${key}&b=${encodeURIComponent(key)}\r\n`;
  const redirected = await ask(t, raw(response('', { status: '302 Found', headers: elsewhere })));
  for (const fault of [refused, redirected]) {
    assert.ok(fault instanceof ProviderFault);
    const told = JSON.stringify({ ...fault, message: fault.message });
    assert.match(told, /\[redacted\]/);
    assert.ok(!told.includes(key) && !told.includes(encodeURIComponent(key)), told);
  }
});
