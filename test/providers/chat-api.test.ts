import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { ProviderName } from '../../src/core/settings.ts';
import { createCompletionApi, type CompletionRequest } from '../../src/providers/completion-api.ts';
import { ProviderFault } from '../../src/providers/provider-fault.ts';
import {
  fakeAnswer,
  type FakeProvider,
  type FakeProviderOptions,
  reply,
  startFakeProvider,
} from '../support/fake-provider.ts';
import { API_KEY, chatApi, limits, patient, requestFor, settingsFor } from './settings.ts';

async function started(t: TestContext, options: FakeProviderOptions = {}): Promise<FakeProvider> {
  const provider = await startFakeProvider(options);
  t.after(() => provider.close());
  return provider;
}

test('gives text, finish reason, usage, model and request id', async (t) => {
  const provider = await started(t, { script: () => reply.ok({ headers: { 'x-request-id': 'req-1' } }) });
  const response = await chatApi(provider.baseUrl).complete(requestFor('hello'), patient());
  assert.deepEqual(response.choices, [{ text: fakeAnswer('hello', 1), finishReason: 'stop' }]);
  assert.deepEqual(response.usage, {
    prompt: provider.answered.promptTokens,
    completion: provider.answered.completionTokens,
    total: provider.answered.promptTokens + provider.answered.completionTokens,
    cached: 0,
    reasoning: 0,
  });
  assert.equal(response.model, 'test-model');
  assert.equal(response.requestId, 'req-1');
});

test("falls back to the body's id", async (t) => {
  const provider = await started(t);
  const response = await chatApi(provider.baseUrl).complete(requestFor('hello'), patient());
  assert.equal(response.requestId, 'fake-1');
});

const common = { messages: [{ role: 'user', content: 'q' }], stream: false };
const sampling = { temperature: 0.7, top_p: 0.9 };
const bodies: [provider: ProviderName, request: Partial<CompletionRequest>, body: Record<string, unknown>][] =
  [
    [
      'deepseek',
      { model: 'deepseek-v4-flash' },
      { ...sampling, max_tokens: 64, thinking: { type: 'disabled' } },
    ],
    [
      'deepseek',
      { model: 'deepseek-v4-pro', thinking: true },
      { ...sampling, max_tokens: 64, thinking: { type: 'enabled' } },
    ],
    [
      'openai',
      { model: 'gpt-6-luna', n: 2 },
      { ...sampling, max_completion_tokens: 64, n: 2, reasoning_effort: 'none' },
    ],
    [
      'openai',
      { model: 'gpt-6-luna', thinking: true },
      { max_completion_tokens: 64, reasoning_effort: 'medium' },
    ],
    ['openai', { model: 'gpt-4.1-mini' }, { ...sampling, max_completion_tokens: 64 }],
    ['openai', { model: 'gpt-4.1-mini', thinking: true }, { ...sampling, max_completion_tokens: 64 }],
    ['openai', { model: 'gpt-5-mini' }, { max_completion_tokens: 64 }],
    ['openai', { model: 'o3', thinking: true }, { max_completion_tokens: 64, reasoning_effort: 'medium' }],
    ['openai-compatible', { model: 'llama', n: 3 }, { ...sampling, max_tokens: 64, n: 3 }],
    ['openai-compatible', { model: 'llama', thinking: true }, { ...sampling, max_tokens: 64 }],
    [
      'openai-compatible',
      { model: 'llama', extraBody: { seed: 7, stop: ['x'], top_k: 5 } },
      { ...sampling, max_tokens: 64, seed: 7, stop: ['x'], top_k: 5 },
    ],
    [
      'deepseek',
      { model: 'deepseek-v4-pro', extraBody: { thinking: { type: 'enabled' } } },
      { ...sampling, max_tokens: 64, thinking: { type: 'enabled' } },
    ],
    [
      'openai',
      { model: 'gpt-6-luna', extraBody: { reasoning_effort: 'high' } },
      { max_completion_tokens: 64, reasoning_effort: 'high' },
    ],
    [
      'openai',
      { model: 'gpt-6-luna', thinking: true, extraBody: { reasoning_effort: 'none' } },
      { ...sampling, max_completion_tokens: 64, reasoning_effort: 'none' },
    ],
  ];
for (const [name, request, body] of bodies) {
  test(`asks ${name} for ${JSON.stringify(request)}`, async (t) => {
    const provider = await started(t);
    await chatApi(provider.baseUrl, name).complete(requestFor('q', request), patient());
    assert.deepEqual(provider.requestsLog[0]?.body, { ...common, model: request.model, ...body });
  });
}

test('sends the key and nothing of the environment', async (t) => {
  const before = { ...process.env };
  t.after(() => {
    process.env = before;
  });
  process.env['OPENAI_API_KEY'] = 'sk-of-somebody-else';
  process.env['OPENAI_ORG_ID'] = 'org-secret';
  process.env['OPENAI_PROJECT_ID'] = 'project-secret';
  process.env['OPENAI_BASE_URL'] = 'http://127.0.0.1:1/elsewhere';
  process.env['OPENAI_CUSTOM_HEADERS'] = 'x-custom: secret\nauthorization: Bearer wrong';
  const provider = await started(t);
  await chatApi(provider.baseUrl).complete(requestFor('q'), patient());
  const headers = provider.requestsLog[0]?.headers;
  assert.equal(headers?.authorization, `Bearer ${API_KEY}`);
  assert.equal(headers?.['user-agent'], 'durabatch');
  assert.doesNotMatch(JSON.stringify(headers), /secret|somebody|stainless|wrong/);
});

test('sends no authorization to a local server without a key', async (t) => {
  const provider = await started(t);
  const api = createCompletionApi(settingsFor('openai-compatible', provider.baseUrl), limits, undefined);
  await api.complete(requestFor('q'), patient());
  assert.equal(provider.requestsLog[0]?.headers.authorization, undefined);
});

test('trims the line break that often ends a key', async (t) => {
  const provider = await started(t);
  await chatApi(provider.baseUrl, 'deepseek', `${API_KEY}\r\n`).complete(requestFor('q'), patient());
  assert.equal(provider.requestsLog[0]?.headers.authorization, `Bearer ${API_KEY}`);
});

for (const [title, key] of [
  ['no key', undefined],
  ['a blank key', ' \n'],
  ['a key with a space', 'sk-one two'],
] as const) {
  test(`is blocked with ${title}, without showing it`, () => {
    assert.throws(
      () => createCompletionApi(settingsFor('deepseek', 'https://api.deepseek.com'), limits, key),
      (error: unknown) => {
        assert.ok(error instanceof ProviderFault);
        assert.equal(error.failure, 'Completion.AccountBlocked');
        assert.match(error.message, /TEST_API_KEY/);
        assert.doesNotMatch(error.message, /sk-one/);
        return true;
      },
    );
  });
}

// ---------------------------------------------------------------- n

test('asks for as many choices as are wanted where n is honoured, 8 at most', async (t) => {
  const provider = await started(t);
  const api = chatApi(provider.baseUrl);
  assert.equal(api.choicesPerRequest(3), 3);
  assert.equal(api.choicesPerRequest(20), 8);
  const response = await api.complete(requestFor('q', { n: 3, samples: [1, 2, 3] }), patient());
  assert.deepEqual(
    response.choices.map(({ text }) => text),
    [1, 2, 3].map((choice) => fakeAnswer('q', 1, choice)),
  );
  assert.equal(api.choicesPerRequest(3), 3);
});

test('stops asking for n after an answer with fewer choices', async (t) => {
  const provider = await started(t, { honourN: false });
  const api = chatApi(provider.baseUrl);
  const response = await api.complete(requestFor('q', { n: 2, samples: [1, 2] }), patient());
  assert.equal(response.choices.length, 1);
  assert.equal(api.choicesPerRequest(2), 1);
});

test('stops asking for n after a refusal of it, and blames no prompt', async (t) => {
  const provider = await started(t, {
    script: ({ body }) =>
      body['n'] > 1 ? reply.status(400, { message: "'n' : number must be at most 1" }) : undefined,
  });
  const api = chatApi(provider.baseUrl);
  await assert.rejects(
    api.complete(requestFor('q', { n: 2, samples: [1, 2] }), patient()),
    (error: unknown) =>
      error instanceof ProviderFault && error.failure === 'Completion.Fault' && !error.possiblyPaid,
  );
  assert.equal(api.choicesPerRequest(2), 1);
  assert.equal((await api.complete(requestFor('q'), patient())).choices.length, 1);
});

test('takes a refusal of something else for what it is', async (t) => {
  const provider = await started(t, { script: () => reply.status(400, { message: 'prompt is too long' }) });
  const api = chatApi(provider.baseUrl);
  await assert.rejects(api.complete(requestFor('q', { n: 2, samples: [1, 2] }), patient()), {
    failure: 'Completion.Rejected',
  });
  assert.equal(api.choicesPerRequest(2), 2);
});

test('never asks DeepSeek for n', () => {
  assert.equal(chatApi('http://127.0.0.1:1', 'deepseek').choicesPerRequest(4), 1);
});

test('drops choices nobody asked for', async (t) => {
  const provider = await started(t, { script: () => reply.ok({ text: ['a', 'b', 'c'] }) });
  const response = await chatApi(provider.baseUrl).complete(
    requestFor('q', { n: 2, samples: [1, 2] }),
    patient(),
  );
  assert.deepEqual(
    response.choices.map(({ text }) => text),
    ['a', 'b'],
  );
});

// ---------------------------------------------------------------- bytes and time

test('blank keep-alive lines keep an answer alive', async (t) => {
  const provider = await started(t, {
    script: () => reply.blankLines(1300, { everyMs: 50, then: { text: 'late' } }),
  });
  let bytes = 0;
  const response = await chatApi(provider.baseUrl).complete(requestFor('q'), {
    ...patient(),
    idleTimeoutMs: 1000,
    onByte: () => (bytes += 1),
  });
  assert.equal(response.choices[0]?.text, 'late');
  assert.ok(bytes > 3, `${bytes} signs of life`);
});

test('an abort is rethrown as it is, and reaches the provider', async (t) => {
  const provider = await started(t, { script: () => reply.silence() });
  const caller = new AbortController();
  const reason = new Error('cancelled by the workflow');
  const asked = chatApi(provider.baseUrl).complete(requestFor('q'), patient(caller.signal));
  await provider.until(() => provider.requests === 1);
  caller.abort(reason);
  await assert.rejects(asked, (error: unknown) => error === reason);
  await provider.until(() => provider.abortedByClient === 1);
});

test('an abort in mid-body is one too', async (t) => {
  const provider = await started(t, { script: () => reply.blankLines(60_000) });
  const caller = new AbortController();
  const asked = chatApi(provider.baseUrl).complete(requestFor('q'), {
    ...patient(caller.signal),
    onByte: () => caller.abort(),
  });
  await assert.rejects(asked, { name: 'AbortError' });
});

test('an aborted call sends nothing', async (t) => {
  const provider = await started(t);
  await assert.rejects(chatApi(provider.baseUrl).complete(requestFor('q'), patient(AbortSignal.abort())), {
    name: 'AbortError',
  });
  assert.equal(provider.requests, 0);
});

test('reuses its connections', async (t) => {
  const provider = await started(t);
  const api = chatApi(provider.baseUrl);
  for (let i = 0; i < 20; i += 1) await api.complete(requestFor(`q${i}`), patient());
  assert.ok(
    provider.connections < 5,
    `${provider.connections} connections for 20 requests, one after another`,
  );
});

test('opens as many connections as there are requests', async (t) => {
  const provider = await started(t, {
    script: async () => {
      await provider.until(() => provider.inFlight === 40);
      return undefined;
    },
  });
  const api = chatApi(provider.baseUrl);
  await Promise.all(Array.from({ length: 40 }, (_, i) => api.complete(requestFor(`q${i}`), patient())));
  assert.equal(provider.peakInFlight, 40);
});

// ---------------------------------------------------------------- loose replies

const wire = (choice: object, more: object = {}) =>
  reply.raw(JSON.stringify({ choices: [{ finish_reason: 'stop', ...choice }], ...more }));

const loose: [title: string, answer: ReturnType<typeof wire>, choice: object][] = [
  ['text null', wire({ message: { content: null } }), { text: '', finishReason: 'stop' }],
  ['no content at all', wire({ message: { role: 'assistant' } }), { text: '', finishReason: 'stop' }],
  [
    'content in parts',
    wire({
      message: {
        content: [
          { type: 'thinking', thinking: [] },
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
    }),
    { text: 'ab', finishReason: 'stop' },
  ],
  [
    'reasoning',
    wire({ message: { content: 'x', reasoning_content: 'because' } }),
    { text: 'x', reasoning: 'because', finishReason: 'stop' },
  ],
  [
    'reasoning by its other name',
    wire({ message: { content: 'x', reasoning: 'because' } }),
    { text: 'x', reasoning: 'because', finishReason: 'stop' },
  ],
  [
    'reasoning null',
    wire({ message: { content: 'x', reasoning_content: null } }),
    { text: 'x', finishReason: 'stop' },
  ],
  [
    'an unknown finish reason',
    wire({ message: { content: 'x' }, finish_reason: 'insufficient_system_resource' }),
    { text: 'x', finishReason: 'insufficient_system_resource' },
  ],
  [
    'a refusal',
    wire({ message: { content: null, refusal: 'I cannot help with that.' } }),
    { text: 'I cannot help with that.', finishReason: 'refusal' },
  ],
  [
    'a refusal, and a blank content',
    wire({ message: { content: ' \n', refusal: 'I cannot help with that.' } }),
    { text: 'I cannot help with that.', finishReason: 'refusal' },
  ],
  [
    'a refusal that was cut off, after some reasoning',
    wire({ message: { refusal: 'I cannot', reasoning: 'because' }, finish_reason: 'length' }),
    { text: 'I cannot', reasoning: 'because', finishReason: 'refusal' },
  ],
  [
    'a refusal of a filter',
    wire({ message: { content: null, refusal: 'Filtered.' }, finish_reason: 'content_filter' }),
    { text: 'Filtered.', finishReason: 'content_filter' },
  ],
  [
    'a refusal null beside a text',
    wire({ message: { content: 'x', refusal: null } }),
    { text: 'x', finishReason: 'stop' },
  ],
  [
    'a refusal beside a text',
    wire({ message: { content: 'x', refusal: 'I cannot help with that.' } }),
    { text: 'x', finishReason: 'stop' },
  ],
  [
    'a refusal without words',
    wire({ message: { content: null, refusal: '' } }),
    { text: '', finishReason: 'stop' },
  ],
  [
    'the key in a refusal',
    wire({ message: { content: null, refusal: `you sent ${API_KEY}` } }),
    { text: 'you sent [redacted]', finishReason: 'refusal' },
  ],
  [
    'no finish reason',
    wire({ message: { content: 'x' }, finish_reason: null }),
    { text: 'x', finishReason: 'unknown' },
  ],
  [
    'the key in the text',
    wire({ message: { content: `you sent ${API_KEY}` } }),
    { text: 'you sent [redacted]', finishReason: 'stop' },
  ],
  [
    'surroundings of the wrong type',
    wire({ message: { content: 'x' } }, { id: 7, model: ['?'], usage: 'none', error: null }),
    { text: 'x', finishReason: 'stop' },
  ],
];
for (const [title, answer, choice] of loose) {
  test(`reads a reply with ${title}`, async (t) => {
    const provider = await started(t, { script: () => answer });
    const response = await chatApi(provider.baseUrl).complete(requestFor('q'), patient());
    assert.deepEqual(response.choices, [choice]);
    assert.equal(response.usage, null);
    assert.equal(response.requestId, null);
    assert.equal(response.model, 'test-model');
  });
}

test('reads 200 KB of text, emoji and NUL unharmed', async (t) => {
  const text = `\u0000=HYPERLINK("x")\r\n</script>${'😀é'.repeat(40_000)}`;
  const provider = await started(t, { script: () => reply.ok({ text }) });
  const response = await chatApi(provider.baseUrl).complete(requestFor('q'), patient());
  assert.equal(response.choices[0]?.text, text);
});
