import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCompletionApi } from '../../../src/providers/completion-api.ts';
import { refusedKeyText } from '../../../src/providers/destination.ts';
import { whyNotSent } from '../../../src/providers/transport/key-transport.ts';

const KEY = 'sk-recognisable-key';

/** Address, key, allowed hosts; whether the key may go there. */
const cases: [string, string | null, string[], boolean][] = [
  ['https://api.example.com/v1', KEY, [], true],
  ['http://127.0.0.1:8000/v1', KEY, [], true],
  ['http://127.3.2.1/v1', KEY, [], true],
  ['http://localhost:11434/v1', KEY, [], true],
  ['http://[::1]:8000/v1', KEY, [], true],
  ['http://api.example.com/v1', KEY, [], false],
  ['http://192.168.1.20:8000/v1', KEY, [], false],
  ['http://gpu.local:8000/v1', KEY, [], false],
  ['http://localhost.example.com/v1', KEY, [], false],
  ['http://127.0.0.1.example.com/v1', KEY, [], false],
  ['http://[::ffff:192.168.1.20]/v1', KEY, [], false],
  ['http://192.168.1.20:8000/v1', null, [], true],
  ['http://192.168.1.20:8000/v1', 'EMPTY', [], true],
  ['http://192.168.1.20:8000/v1', KEY, ['192.168.1.20'], true],
  ['http://192.168.1.20:8000/v1', KEY, ['192.168.1.20:8000'], true],
  ['http://gpu.local:8000/v1', KEY, ['GPU.local'], true],
  ['http://192.168.1.20:8000/v1', KEY, ['192.168.1.20:9000', '192.168.1.2'], false],
];
for (const [baseUrl, apiKey, plainHttpHosts, may] of cases) {
  const allowed = plainHttpHosts.length > 0 ? `, allowed: ${plainHttpHosts.join(', ')}` : '';
  test(`${baseUrl} with the key ${apiKey}${allowed}: ${may ? 'sent' : 'refused'}`, () => {
    const reason = whyNotSent({ baseUrl, apiKey, variable: 'A_KEY', plainHttpHosts });
    assert.equal(reason === null, may, reason ?? 'not refused');
    const limits = { apiKeyEnv: 'A_KEY', simulateLatencyMs: 0, simulateErrors: 0 };
    const create = () =>
      createCompletionApi(
        { provider: 'openai-compatible', baseUrl },
        limits,
        apiKey ?? undefined,
        plainHttpHosts,
      );
    if (may) {
      create();
      return;
    }
    assert.ok(!reason!.includes(KEY));
    assert.match(reason!, /export DURABATCH_ALLOW_HTTP=/);
    assert.throws(create, { failure: 'Completion.AccountBlocked', message: `Nothing was sent: ${reason}.` });
  });
}

test('what allows a host is offered as a shell takes it', { skip: process.platform === 'win32' }, () => {
  const at = (baseUrl: string): string =>
    whyNotSent({ baseUrl, apiKey: KEY, variable: 'KEY', plainHttpHosts: [] })!;
  assert.match(at('http://gpu.lan:8000/v1'), / export DURABATCH_ALLOW_HTTP=gpu\.lan:8000$/);
  assert.match(
    at("http://x;touch$IFS'a'&.example.com/v1"),
    / export DURABATCH_ALLOW_HTTP='x;touch\$ifs'\\''a'\\''&\.example\.com'$/,
  );
});

test('what allows an address is offered as a shell takes it', { skip: process.platform === 'win32' }, () => {
  const baseUrl = 'https://api.example.com/$(touch%20a);`b`';
  const text = refusedKeyText({ provider: 'openai-compatible', baseUrl, apiKeyEnv: 'KEY' });
  assert.ok(text.endsWith(` durabatch worker --allow-base-url '${baseUrl}=KEY'`), text);
});
