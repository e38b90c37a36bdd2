/** What the user left out comes from the provider's entry in the catalogue. */
import type { Config } from '../config.ts';
import type { BatchSettings } from '../contract.ts';
import { providers } from '../providers/catalog.ts';
import type { RunOptions } from './options/run-options.ts';
import { UsageError } from './options/usage-error.ts';

/** Throws {@link UsageError} where the provider needs something that nobody named. */
export function resolveSettings({
  settings,
  limits,
}: Pick<RunOptions, 'settings' | 'limits'>): BatchSettings {
  const provider = providers[settings.provider];
  const model = settings.model ?? provider.defaultModel;
  if (model === null)
    throw new UsageError(`--model: is needed with --provider ${provider.name}, which has no default model`);
  return {
    request: { ...settings, baseUrl: settings.baseUrl ?? provider.baseUrl ?? '', model },
    limits: { ...limits, apiKeyEnv: limits.apiKeyEnv ?? provider.apiKeyEnv ?? '' },
  };
}

/** Throws {@link UsageError}: answers are never simulated silently. */
export function requireApiKey(config: Config, { request, limits }: BatchSettings): void {
  if (!providers[request.provider].needsApiKey || config.secret(limits.apiKeyEnv) !== undefined) return;
  throw new UsageError(
    `there is no API key for ${request.provider}: set the environment variable ${limits.apiKeyEnv} ` +
      '(or put it into a file .env in this folder), name another variable with --api-key-env, ' +
      'or try everything without a key and without cost with --provider simulated',
  );
}
