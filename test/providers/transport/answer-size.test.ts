import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerMemory, maxAnswerBytes } from '../../../src/providers/transport/answer-size.ts';
import { providers } from '../../../src/providers/catalog.ts';
import { createChatApi } from '../../../src/providers/chat-api.ts';
import { answer, response, startRawProvider } from '../../safety/support/raw-provider.ts';

const KB = 1024;
const MB = 1024 * KB;

const sizes: [string, Parameters<typeof maxAnswerBytes>[0], number][] = [
  ['a short answer', { maxTokens: 8, n: 1 }, MB + 8 * 128],
  ['eight choices', { maxTokens: 1000, n: 8 }, MB + 8 * 1000 * 128],
  ['a limit in extra_body', { maxTokens: 8, n: 1, extraBody: { max_tokens: 1000 } }, MB + 1000 * 128],
  ['its newer name', { maxTokens: 8, n: 1, extraBody: { max_completion_tokens: 1000 } }, MB + 1000 * 128],
  [
    'probabilities',
    { maxTokens: 100, n: 1, extraBody: { logprobs: true, top_logprobs: 4 } },
    MB + 100 * (128 + 5 * 512),
  ],
  ['the longest', { maxTokens: 10_000_000, n: 1 }, 64 * MB],
];
for (const [title, request, bytes] of sizes) {
  test(`${title}: at most ${bytes} bytes`, () => assert.equal(maxAnswerBytes(request), bytes));
}

test('answers beyond the bound wait for those before them, and all of them end', async () => {
  const memory = new AnswerMemory(100);
  const [first, second, third] = [memory.begin(), memory.begin(), memory.begin()];
  assert.equal(second.hold(60), null);
  const waiting = third.hold(60);
  assert.ok(waiting, 'the third waits');
  // The one that began first is never held up: what it holds ends with it.
  assert.equal(first.hold(80), null);
  assert.equal(memory.held, 200);
  const seen: string[] = [];
  void waiting.then(() => seen.push('third'));
  first.release();
  await Promise.resolve();
  assert.deepEqual(seen, [], 'there is no room yet, and the second is now the first');
  second.release();
  await waiting;
  third.release();
  third.release();
  assert.equal(memory.held, 0);
});

test('an answer that waits goes on as soon as it is the first, room or not', async () => {
  const memory = new AnswerMemory(100);
  const [first, second] = [memory.begin(), memory.begin()];
  assert.equal(first.hold(50), null);
  const waiting = second.hold(150);
  assert.ok(waiting);
  first.release();
  await waiting;
  assert.equal(second.hold(50), null);
  second.release();
  assert.equal(memory.held, 0);
});

test('many large answers at once all come, read one after the other where together they are too large', async (t) => {
  const body = response(
    answer({ choices: [{ message: { content: 'x'.repeat(30 * MB) }, finish_reason: 'stop' }] }),
  );
  const { baseUrl } = await startRawProvider(t, (socket) => void socket.end(body));
  const api = createChatApi(providers['openai-compatible'], baseUrl, null);
  const lengths = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const { choices } = await api.complete(
        {
          ...{ model: 'm', messages: [{ role: 'user', content: 'a' }], temperature: 1, topP: 1 },
          ...{ maxTokens: 1_000_000, n: 1, thinking: false, promptId: 'p', samples: [1] },
        },
        { signal: new AbortController().signal, requestTimeoutMs: 60_000, idleTimeoutMs: 60_000 },
      );
      return choices[0]!.text.length;
    }),
  );
  assert.deepEqual(lengths, Array(8).fill(30 * MB));
});
