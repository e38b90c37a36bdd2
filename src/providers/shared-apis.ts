import type { ApiLimits, ApiSettings, CompletionApi } from './completion-api.ts';

export type ApiOf<Settings, Limits> = (settings: Settings, limits: Limits) => CompletionApi;

/**
 * Makes an API once for all requests that it serves alike: one pool of connections, and one memory of what the provider
 * honours. Limits that say nothing about the API (workers, patience, caps) may change without a new one.
 */
export function sharedApis<Settings extends ApiSettings, Limits extends ApiLimits>(
  create: ApiOf<Settings, Limits>,
): ApiOf<Settings, Limits> {
  const known = new Map<string, CompletionApi>();
  // The same objects come again and again: most requests need no key.
  const latest: { settings?: Settings; limits?: Limits; api?: CompletionApi } = {};
  return (settings, limits) => {
    if (latest.api && latest.settings === settings && latest.limits === limits) return latest.api;
    const key = keyOf(settings, limits);
    const api = known.get(key) ?? create(settings, limits);
    known.set(key, api);
    Object.assign(latest, { settings, limits, api });
    return api;
  };
}

/** All that an API is made from. */
function keyOf({ provider, baseUrl }: ApiSettings, limits: ApiLimits): string {
  const { apiKeyEnv, simulateLatencyMs, simulateErrors } = limits;
  const parts: Required<ApiSettings & ApiLimits> = {
    ...{ provider, baseUrl, apiKeyEnv, simulateLatencyMs, simulateErrors },
  };
  return JSON.stringify(parts);
}
