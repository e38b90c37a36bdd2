import assert from 'node:assert/strict';
import test from 'node:test';
import { toReportSettings } from '../../src/report/report-settings.ts';
import { manifestOf } from './support/report-fixtures.ts';

test('gives every setting with its unit', () => {
  assert.deepEqual(JSON.parse(JSON.stringify(toReportSettings(manifestOf(1)))), {
    input_file: 'sample.json',
    provider: 'deepseek',
    base_url: 'https://api.deepseek.com',
    model: 'deepseek-v4-flash',
    temperature: 0.7,
    top_p: 0.9,
    max_tokens: 256,
    completions: 2,
    thinking: false,
    max_workers: 3,
    max_attempts: 6,
    request_timeout_seconds: 600,
    idle_timeout_seconds: 120,
    patience_seconds: 3600,
    reject_truncated: false,
    retry_empty: false,
    max_failures: null,
    max_cost: null,
    own_prices: null,
    api_key_env: 'DEEPSEEK_API_KEY',
    durabatch_version: '0.1.0',
  });
});

test('tells auto and its ceiling as the flag does', () => {
  const { limits } = manifestOf(1);
  const shown = toReportSettings(manifestOf(1, { limits: { ...limits, maxWorkers: 50, autoWorkers: true } }));
  assert.equal(shown.max_workers, 'auto:50');
});

test('tells how a simulated batch was simulated', () => {
  const { settings, limits } = manifestOf(1);
  const shown = toReportSettings(
    manifestOf(1, {
      settings: { ...settings, provider: 'simulated', baseUrl: '' },
      limits: { ...limits, simulateLatencyMs: 250, simulateErrors: 0.1 },
    }),
  );
  assert.equal('simulate_errors' in shown && shown.simulate_errors, 0.1);
  assert.equal('simulate_latency_seconds' in shown && shown.simulate_latency_seconds, 0.25);
});
