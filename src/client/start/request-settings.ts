/** What the user left out comes from the provider's entry in the catalogue. */
import type { Config } from '../../config.ts';
import type { PriceTable } from '../../prices/price-table.ts';
import type { BatchSettings, RequestSettings, RunLimits } from '../../core/settings.ts';
import type { PromptItem } from '../../core/prompt.ts';
import { isLoopback } from '../../system/loopback.ts';
import { providers } from '../../providers/catalog.ts';
import { whyNotSent } from '../../providers/transport/key-transport.ts';
import { isSecret } from '../../providers/redact.ts';
import type { BatchStore } from '../../store/batch-store.ts';
import { accountLimits } from '../control/account-limits.ts';
import type { RunOptions } from '../options/run-options.ts';
import { UsageError } from '../usage-error.ts';

/** Throws {@link UsageError} where the provider needs something that nobody named. */
export function resolveSettings({
  settings,
  limits,
  typedAccount,
}: Pick<RunOptions, 'settings' | 'limits' | 'typedAccount'>): BatchSettings {
  const provider = providers[settings.provider];
  const model = settings.model ?? provider.defaultModel;
  if (model === null)
    throw new UsageError(`--model: is needed with --provider ${provider.name}, which has no default model`);
  const resolved = {
    request: { ...settings, baseUrl: settings.baseUrl ?? provider.baseUrl ?? '', model },
    limits: { ...limits, apiKeyEnv: limits.apiKeyEnv ?? provider.apiKeyEnv ?? '' },
  };
  if (typedAccount === undefined) return resolved;
  const account = accountLimits(typedAccount, null, resolved);
  return { ...resolved, limits: { ...resolved.limits, account } };
}

/** What the same command line would have asked with an earlier version: its batches are found by that. */
export function earlierRequests(
  { settings: { model } }: Pick<RunOptions, 'settings'>,
  { request }: BatchSettings,
): RequestSettings[] {
  if (model !== undefined) return [request];
  const { earlierDefaultModels, defaultModel } = providers[request.provider];
  const models = earlierDefaultModels.length > 0 ? earlierDefaultModels : [defaultModel ?? request.model];
  return models.map((earlier) => ({ ...request, model: earlier }));
}

/** Throws {@link UsageError} without a key where one is needed, since answers are never simulated silently, and where it would go out unencrypted. */
export function requireApiKey(config: Config, { request, limits }: BatchSettings): void {
  const apiKey = config.secret(limits.apiKeyEnv);
  if (apiKey !== undefined) {
    const { plainHttpHosts } = config;
    const reason = whyNotSent({
      ...{ apiKey, plainHttpHosts, baseUrl: request.baseUrl, variable: limits.apiKeyEnv },
    });
    if (reason !== null) throw new UsageError(`--base-url: ${reason}`);
  }
  if (!providers[request.provider].needsApiKey || apiKey !== undefined) return;
  throw new UsageError(
    `there is no API key for ${request.provider}: set the environment variable ${limits.apiKeyEnv} ` +
      '(or put it into a file .env in this folder), name another variable with --api-key-env, ' +
      'or try everything without a key and without cost with --provider simulated',
  );
}

/**
 * Says which key a typed address gets; `null` where the address is the provider's own, the variable was typed too, or the key
 * stays on this machine.
 */
export function keyRecipient(
  config: Config,
  { settings: { baseUrl }, limits: { apiKeyEnv } }: Pick<RunOptions, 'settings' | 'limits'>,
  { request, limits }: BatchSettings,
): string | null {
  if (baseUrl === undefined || apiKeyEnv !== undefined || request.provider === 'simulated') return null;
  const apiKey = config.secret(limits.apiKeyEnv);
  const { host, hostname } = new URL(baseUrl);
  if (apiKey === undefined || !isSecret(apiKey) || isLoopback(hostname)) return null;
  return `The key in ${limits.apiKeyEnv} is sent to ${host}. For another key, or none, name its variable with --api-key-env.`;
}

/** The table is large: it is loaded only when a price is needed. Without a configuration, the bundled one. */
async function newestTable(config?: Pick<Config, 'home'>): Promise<PriceTable> {
  if (!config) return (await import('../../prices/bundled-table.ts')).bundledTable;
  const { tableAtHand } = await import('../prices/price-updates.ts');
  return tableAtHand(config);
}

type PriceCheck = (item: Pick<PromptItem, 'model'>) => void;

/** Checks each prompt of a batch with a cost cap: a cost that nobody knows cannot be capped. Throws {@link UsageError}. */
export async function createPriceCheck(
  { request, limits }: BatchSettings,
  config?: Pick<Config, 'home'>,
): Promise<PriceCheck> {
  if (limits.maxCostNanoUsd === null) return () => {};
  // The table is large: who needs no price does not wait for it.
  const [{ priceOf }, table] = await Promise.all([
    import('../../providers/pricing/prices.ts'),
    newestTable(config),
  ]);
  const { provider, baseUrl } = request;
  const priced = new Set<string>();
  return (item) => {
    const model = item.model ?? request.model;
    if (priced.has(model)) return;
    if (
      priceOf({ provider, baseUrl, model, table, override: limits.prices ?? undefined }, new Date()) === null
    ) {
      throw new UsageError(
        `--max-cost: the price of model ${model} (${provider}) is unknown; name it with --price-input and --price-output, in US dollars per million tokens`,
      );
    }
    priced.add(model);
  };
}

/** Said before money is spent: that nobody knows how much it will be. `null` where the batch's model has a price. */
export async function missingPrice(
  { request, limits }: BatchSettings,
  config: Pick<Config, 'home'>,
): Promise<string | null> {
  const { provider, baseUrl, model } = request;
  const [{ priceOf }, table] = await Promise.all([
    import('../../providers/pricing/prices.ts'),
    newestTable(config),
  ]);
  if (priceOf({ provider, baseUrl, model, table, override: limits.prices ?? undefined }, new Date()))
    return null;
  return (
    `No price known for ${model} at ${baseUrl}; cost will show as "unknown". ` +
    'Set --price-input and --price-output (USD per million tokens).'
  );
}

/** As {@link createPriceCheck}, for a batch that exists and limits that are to be set. */
export async function assertPriced(
  store: BatchStore,
  typed: Partial<RunLimits>,
  config: Pick<Config, 'home'>,
): Promise<void> {
  const { settings: request, limits, shards } = await store.readManifest();
  const wanted = { ...limits, ...typed };
  if (wanted.maxCostNanoUsd === null) return;
  const check = await createPriceCheck({ request, limits: wanted }, config);
  for (let shard = 0; shard < shards; shard++) {
    await store.withShard(shard, async (open) => {
      for await (const { item } of open.prompts()) check(item);
    });
  }
}
