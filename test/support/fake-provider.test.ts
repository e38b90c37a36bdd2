import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import {
  fakeAnswer,
  reply,
  startFakeProvider,
  type FakeProvider,
  type FakeProviderOptions,
  type FakeReply,
} from './fake-provider.ts';
import { tokenBucket } from './provider-limits.ts';

async function started(t: TestContext, options: FakeProviderOptions = {}): Promise<FakeProvider> {
  const provider = await startFakeProvider(options);
  t.after(() => provider.close());
  return provider;
}

const ask = (
  provider: FakeProvider,
  prompt: string,
  more: Record<string, unknown> = {},
  signal?: AbortSignal,
) =>
  fetch(`${provider.baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer test' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: prompt }], ...more }),
    ...(signal === undefined ? {} : { signal }),
  });

test('answers deterministically and counts what it answered', async (t) => {
  const provider = await started(t);
  const first: any = await (await ask(provider, 'one', { n: 2 })).json();
  const second: any = await (await ask(provider, 'one')).json();
  assert.deepEqual(
    first.choices.map((choice: any) => choice.message.content),
    [fakeAnswer('one', 1, 1), fakeAnswer('one', 1, 2)],
  );
  assert.equal(second.choices[0].message.content, fakeAnswer('one', 2));
  await provider.until(() => provider.answered.requests === 2);
  assert.equal(provider.requestsPerPrompt.get('one'), 2);
  assert.equal(provider.answered.completions, 3);
  assert.equal(provider.answered.promptTokens, first.usage.prompt_tokens + second.usage.prompt_tokens);
  assert.equal(
    provider.answered.perPrompt.get('one')?.completionTokens,
    first.usage.completion_tokens + second.usage.completion_tokens,
  );
  assert.equal(provider.requestsLog[0]?.headers.authorization, 'Bearer test');
});

test('gives one choice where n is ignored', async (t) => {
  const provider = await started(t, { honourN: false });
  const body: any = await (await ask(provider, 'one', { n: 3 })).json();
  assert.equal(body.choices.length, 1);
});

test('knows how many requests were in flight at once', async (t) => {
  const provider = await started(t, {
    script: async () => {
      await provider.until(() => provider.inFlight === 3);
      return undefined;
    },
  });
  await Promise.all(['a', 'b', 'c'].map(async (prompt) => (await ask(provider, prompt)).text()));
  await provider.until(() => provider.inFlight === 0);
  assert.equal(provider.peakInFlight, 3);
});

test('tells a client that went away from an answer', async (t) => {
  const provider = await started(t, { script: () => reply.silence() });
  const gone = new AbortController();
  const asked = ask(provider, 'x', {}, gone.signal);
  await provider.until(() => provider.requests === 1);
  gone.abort();
  await assert.rejects(asked, { name: 'AbortError' });
  await provider.until(() => provider.abortedByClient === 1);
  assert.equal(provider.answered.requests, 0);
  assert.equal(provider.requestsLog[0]?.outcome, 'aborted by client');
});

test('scripts by prompt and count, and may be scripted anew', async (t) => {
  const provider = await started(t, {
    script: ({ promptCount }) =>
      promptCount === 1 ? reply.status(429, { headers: { 'retry-after': '7' } }) : undefined,
  });
  const refused = await ask(provider, 'x');
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('retry-after'), '7');
  await refused.text();
  assert.equal((await ask(provider, 'x')).status, 200);
  provider.script = () => reply.status(402, { message: 'no money' });
  assert.match(await (await ask(provider, 'x')).text(), /no money/);
});

test('enforces a limit before it answers', async (t) => {
  const provider = await started(t, { limit: tokenBucket(0.001, 2, true), latencyMs: 5 });
  const replies = [await ask(provider, 'x'), await ask(provider, 'x'), await ask(provider, 'x')];
  await Promise.all(replies.map((one) => one.text()));
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200, 429],
  );
  assert.ok(Number(replies[2]!.headers.get('retry-after')) > 0);
  assert.deepEqual([provider.requests, provider.refusedByLimit, provider.answered.requests], [3, 1, 2]);
});

const unreadable: [string, FakeReply][] = [
  ['reset before headers', reply.cut('before headers')],
  ['reset after headers', reply.cut('after headers')],
  ['reset in mid-body', reply.cut('mid-body')],
  ['ended in mid-body', reply.cut('mid-body', 'end')],
  ['broken JSON', reply.brokenJson()],
  ['empty body', reply.emptyBody()],
];
for (const [title, answer] of unreadable) {
  test(`misbehaves: ${title}`, async (t) => {
    const provider = await started(t, { script: () => answer });
    await assert.rejects(async () => (await ask(provider, 'x')).json());
    await provider.until(() => provider.inFlight === 0);
    assert.equal(provider.answered.requests, 0);
    assert.equal(provider.abortedByClient, 0);
  });
}

test('misbehaves: blank lines, then an answer', async (t) => {
  const provider = await started(t, {
    script: () => reply.blankLines(60, { everyMs: 10, then: { text: 'late' } }),
  });
  const text = await (await ask(provider, 'x')).text();
  assert.match(text, /^\n+\{/);
  assert.equal(JSON.parse(text).choices[0].message.content, 'late');
  await provider.until(() => provider.answered.requests === 1);
});

test('misbehaves: more bytes than anyone wants', async (t) => {
  const provider = await started(t, { script: () => reply.flood(1_000_000) });
  assert.ok((await (await ask(provider, 'x')).arrayBuffer()).byteLength >= 1_000_000);
});

test('closes with requests open', async () => {
  const provider = await startFakeProvider({ script: () => reply.silence() });
  const asked = ask(provider, 'x').catch((error: unknown) => error);
  await provider.until(() => provider.inFlight === 1);
  await provider.close();
  assert.ok((await asked) instanceof Error);
});
