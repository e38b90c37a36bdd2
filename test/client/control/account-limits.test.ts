import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withAccount } from '../../../src/client/control/account-limits.ts';
import { parseRunOptions } from '../../../src/client/options/run-options.ts';
import { resolveSettings } from '../../../src/client/start/request-settings.ts';

const settingsOf = (flags: Record<string, unknown>) => resolveSettings(parseRunOptions(flags));

const names: [title: string, flags: Record<string, unknown>, name: string][] = [
  ["the provider's key at its host", {}, 'DEEPSEEK_API_KEY@api.deepseek.com'],
  ['the key that was named', { apiKeyEnv: 'TEAM_KEY' }, 'TEAM_KEY@api.deepseek.com'],
  [
    'host and port of an address',
    { provider: 'openai-compatible', model: 'm', baseUrl: 'http://[::1]:8000/v1' },
    'OPENAI_API_KEY@::1:8000',
  ],
  ['the provider that has no host', { provider: 'simulated' }, 'simulated'],
  ['the name that was given', { account: 'acme' }, 'acme'],
];
for (const [title, flags, name] of names) {
  test(`an account is called by ${title}`, () => {
    const { limits } = settingsOf({ ...flags, rpm: '600' });
    assert.deepEqual(limits.account, { name, requestsPerMinute: 600, tokensPerMinute: null });
  });
}

test('where nothing is said there are no limits', () => {
  assert.equal('account' in settingsOf({}).limits, false);
});

test('what is not typed again stays as it was', () => {
  const before = settingsOf({ account: 'acme', rpm: '600', tpm: '9000' });
  assert.deepEqual(withAccount({}, { requestsPerMinute: 60 }, before, 1000), {
    account: { name: 'acme', requestsPerMinute: 60, tokensPerMinute: 9000, setAt: 1000 },
  });
  assert.deepEqual(withAccount({ maxWorkers: 5 }, undefined, before), { maxWorkers: 5 });
});

test('a name for limits that nobody knows is refused', () => {
  assert.throws(
    () => withAccount({}, { name: 'acme' }, settingsOf({})),
    /^UsageError: --account: says whose/,
  );
});
