/** Where a provider's key may be sent. */
import { isLoopback } from '../../system/loopback.ts';
import { commandLine, shellWord } from '../../core/command-line.ts';
import { isSecret } from '../redact.ts';

export interface KeyTransport {
  baseUrl: string;
  apiKey: string | null;
  /** Name of the variable that the key is in. */
  variable: string;
  /** Hosts, with or without a port, that keys may go to without TLS. */
  plainHttpHosts: readonly string[];
}

/** Why the key must not go to this address, and what to do; `null`: it may. */
export function whyNotSent({ baseUrl, apiKey, variable, plainHttpHosts }: KeyTransport): string | null {
  if (apiKey === null || !isSecret(apiKey) || !URL.canParse(baseUrl)) return null;
  const { protocol, host, hostname } = new URL(baseUrl);
  if (protocol === 'https:' || isLoopback(hostname)) return null;
  if (plainHttpHosts.some((allowed) => [host, hostname].includes(allowed.toLowerCase()))) return null;
  const allowing = commandLine`export DURABATCH_ALLOW_HTTP=${shellWord(host, '<host>')}`;
  return (
    `the key in ${variable} would go to ${host} without encryption. Use an https address; or, if that server needs no key, name a ` +
    `variable that is not set with --api-key-env; or, if you trust the network, allow it: ${allowing}`
  );
}
