/** Where a batch sends its prompts, and which key goes along: what its owner must have typed or approved. */
import type { ProviderName, RequestSettings, RunLimits } from '../core/settings.ts';
import { asTyped } from '../system/typed-command.ts';
import { commandLine, shellWord } from '../core/command-line.ts';
import { providers } from './catalog.ts';

export interface Destination {
  provider: ProviderName;
  /** `''` for `simulated`, which sends nothing. */
  baseUrl: string;
  /** Name of the environment variable that holds the key; `''`: there is none. */
  apiKeyEnv: string;
}

export const destinationOf = (
  { provider, baseUrl }: Pick<RequestSettings, 'provider' | 'baseUrl'>,
  { apiKeyEnv }: Pick<RunLimits, 'apiKeyEnv'>,
): Destination => ({ provider, baseUrl, apiKeyEnv });

/** Whether nothing leaves this machine. */
export const isSimulated = ({ provider }: Pick<Destination, 'provider'>): boolean => provider === 'simulated';

/** Whether the provider's own key goes to the provider's own address, as its row of the catalogue has them. */
export function isUsual({ provider, baseUrl, apiKeyEnv }: Destination): boolean {
  const row = providers[provider];
  return baseUrl === (row.baseUrl ?? '') && apiKeyEnv === (row.apiKeyEnv ?? '');
}

/** Why a worker does not send a key. */
export function refusedKeyText({ baseUrl, apiKeyEnv }: Destination): string {
  const word = shellWord(`${baseUrl}=${apiKeyEnv}`, '<url>=<name>');
  const allowed = asTyped(commandLine`durabatch worker --allow-base-url ${word}`);
  return (
    `This worker may not send the key in ${apiKeyEnv} to ${baseUrl}: its user has not started or confirmed the batch here, or it was changed since. ` +
    `Confirm it here with "durabatch resume", or allow the address: ${allowed}`
  );
}

/** Returns a sentence where a provider that has an address of its own is reached at another one; else `null`. */
export function unusualAddress({
  provider,
  baseUrl,
}: Pick<Destination, 'provider' | 'baseUrl'>): string | null {
  const usual = providers[provider].baseUrl;
  if (usual === null || usual === baseUrl) return null;
  return `${provider} is reached at ${baseUrl}, which is not its usual address (${usual}).`;
}
