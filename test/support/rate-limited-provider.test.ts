import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { FakeRequest } from './fake-provider.ts';
import { createRateLimit, type RateLimitOptions } from './rate-limited-provider.ts';

const request = {} as FakeRequest;

/** At which of these times, in ms, a request is refused. */
async function refusedAt(t: TestContext, options: RateLimitOptions, times: number[]): Promise<number[]> {
  t.mock.timers.enable({ apis: ['Date'] });
  const limit = createRateLimit(options);
  for (const at of times) {
    t.mock.timers.setTime(at);
    await limit.script(request);
  }
  assert.equal(limit.accepted.length + limit.refused.length, times.length);
  return [...limit.refused];
}

const rows: [title: string, options: RateLimitOptions, times: number[], refused: number[]][] = [
  [
    'over any window',
    { requests: 2, windowMs: 1000 },
    [0, 900, 950, 1001, 1002, 1899, 1901],
    [950, 1002, 1899],
  ],
  [
    'in each window',
    { requests: 2, windowMs: 1000, kind: 'fixed' },
    [0, 900, 950, 1000, 1001, 1002],
    [950, 1002],
  ],
  ['by tokens', { tokens: 100, windowMs: 1000, tokensOf: () => 40 }, [0, 1, 2, 1001], [2]],
];
for (const [title, options, times, refused] of rows) {
  test(`a limit is held ${title}`, async (t) => {
    assert.deepEqual(await refusedAt(t, options, times), refused);
  });
}

test('what is refused is told when to come back, or not', async (t) => {
  t.mock.timers.enable({ apis: ['Date'] });
  for (const [retryAfter, told] of [
    [true, '700'],
    [false, undefined],
  ] as const) {
    t.mock.timers.setTime(0);
    const limit = createRateLimit({ requests: 1, windowMs: 1000, retryAfter });
    await limit.script(request);
    t.mock.timers.setTime(300);
    const reply = await limit.script(request);
    assert.ok(reply?.kind === 'raw');
    assert.deepEqual([reply.status, reply.headers['retry-after-ms']], [429, told]);
  }
});
