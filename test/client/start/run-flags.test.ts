import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { runFlagsOf } from '../../../src/client/start/run-flags.ts';
import { manifestOf } from '../../report/support/report-fixtures.ts';

const { settings, limits } = manifestOf(1);
const typedFlags = (...given: Parameters<typeof runFlagsOf>): string =>
  runFlagsOf(...given)
    .map((word) => ` ${word}`)
    .join('');
const usual = resolve('data/batch_results');

const cases: [Partial<typeof settings>, outputDir: string, flags: string][] = [
  [{}, usual, ' --model deepseek-v4-flash'],
  [
    { provider: 'openai', model: 'gpt-4.1-mini', baseUrl: 'https://api.openai.com/v1' },
    usual,
    ' --provider openai --model gpt-4.1-mini --api-key-env DEEPSEEK_API_KEY',
  ],
  [
    { baseUrl: 'http://127.0.0.1:8000/v1' },
    usual,
    ' --model deepseek-v4-flash --base-url http://127.0.0.1:8000/v1',
  ],
  [
    { provider: 'openai-compatible', baseUrl: 'http://127.0.0.1:8000/v1' },
    '/my data',
    ' --provider openai-compatible --model deepseek-v4-flash --base-url http://127.0.0.1:8000/v1 --api-key-env DEEPSEEK_API_KEY --output-dir "/my data"',
  ],
  [{ baseUrl: 'javascript:x' }, usual, ' --model deepseek-v4-flash --base-url <base-url>'],
  [{ model: 'm\u001b]0;x\u0007' }, '/a\u202eb', ' --model <model> --output-dir <output-dir>'],
  [{ provider: 'simulated', baseUrl: '', model: 'simulated' }, usual, ' --provider simulated'],
  [
    { completions: 4, temperature: 0, topP: 1, maxTokens: 9, thinking: true },
    usual,
    ' --model deepseek-v4-flash --completions 4 --temperature 0 --top-p 1 --max-tokens 9 --thinking',
  ],
];
for (const [changes, outputDir, flags] of cases) {
  test(`settings ${JSON.stringify(changes)} are typed as${flags}`, () => {
    assert.equal(typedFlags({ ...settings, ...changes }, limits, outputDir), flags);
  });
}

const ways: [Partial<typeof limits>, flags: string][] = [
  [{ apiKeyEnv: 'TEAM_KEY' }, ' --api-key-env TEAM_KEY'],
  [{ prices: { inputPerMillion: 0.1, outputPerMillion: 0 } }, ' --price-input 0.1 --price-output 0'],
  [
    { prices: { inputPerMillion: 1, outputPerMillion: 2, cachedPerMillion: 0.5 } },
    ' --price-input 1 --price-output 2 --price-cached 0.5',
  ],
];
for (const [changes, flags] of ways) {
  test(`limits ${JSON.stringify(changes)} are typed as${flags}`, () => {
    const typed = typedFlags(settings, { ...limits, ...changes }, usual);
    assert.equal(typed, ` --model deepseek-v4-flash${flags}`);
  });
}

test('a simulated batch needs no key', () => {
  const typed = typedFlags(
    { ...settings, provider: 'simulated', model: 'simulated', baseUrl: '' },
    limits,
    usual,
  );
  assert.equal(typed, ' --provider simulated');
});
