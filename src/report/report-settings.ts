import type { RunLimits } from '../core/settings.ts';
import type { Manifest } from '../store/manifest/manifest.ts';
import { nanoUsdToUsd } from '../core/money.ts';
import { toSafeUrl } from './safe-url.ts';

/** The `settings` of the results file: every value with its unit, of the API key only its variable's name. */
export const toReportSettings = ({ settings, limits, source, versions }: Manifest) => ({
  input_file: source,
  provider: settings.provider,
  base_url: toSafeUrl(settings.baseUrl),
  model: settings.model,
  temperature: settings.temperature,
  top_p: settings.topP,
  max_tokens: settings.maxTokens,
  completions: settings.completions,
  thinking: settings.thinking,
  max_workers: maxWorkersText(limits),
  ...(limits.account && {
    account: limits.account.name,
    requests_per_minute: limits.account.requestsPerMinute,
    tokens_per_minute: limits.account.tokensPerMinute,
  }),
  max_attempts: limits.maxAttempts,
  request_timeout_seconds: limits.requestTimeoutMs / 1000,
  idle_timeout_seconds: limits.idleTimeoutMs / 1000,
  patience_seconds: limits.patienceMs / 1000,
  reject_truncated: limits.rejectTruncated,
  retry_empty: limits.retryEmpty,
  max_failures: failureLimit(limits.maxFailures),
  max_cost: nanoUsdToUsd(limits.maxCostNanoUsd),
  own_prices: limits.prices && {
    input_per_million: limits.prices.inputPerMillion,
    output_per_million: limits.prices.outputPerMillion,
    cached_per_million: limits.prices.cachedPerMillion ?? limits.prices.inputPerMillion,
  },
  api_key_env: limits.apiKeyEnv,
  ...(settings.provider === 'simulated' && {
    simulate_latency_seconds: limits.simulateLatencyMs / 1000,
    simulate_errors: limits.simulateErrors,
  }),
  durabatch_version: versions.durabatch,
});

/** As the flag has it: `20`, or `auto:500`. */
const maxWorkersText = ({ maxWorkers, autoWorkers }: RunLimits): number | string =>
  autoWorkers ? `auto:${maxWorkers}` : maxWorkers;

const failureLimit = (limit: RunLimits['maxFailures']): number | string | null => {
  if (limit === null) return null;
  return 'count' in limit ? limit.count : `${limit.share * 100}%`;
};
