import { STATUS_CODES } from 'node:http';
import type { RequestSettings } from '../core/settings.ts';
import type { ProviderFault } from './provider-fault.ts';

type Asked = Pick<RequestSettings, 'provider' | 'baseUrl'>;

/**
 * A fault in one sentence for whoever reads it in Temporal, away from its record: status, provider, what it
 * said, and the request's id, which the provider's support asks for.
 */
export function faultSentence(
  { status, message, requestId }: Pick<ProviderFault, 'status' | 'message' | 'requestId'>,
  asked: Asked,
): string {
  const provider = labelOf(asked);
  const request = requestId === null ? '' : ` (request ${requestId})`;
  const head = `HTTP ${status}`;
  if (status === null || !message.startsWith(head)) return `${provider}: ${message}${request}`;
  const name = STATUS_CODES[status];
  const said = message.slice(head.length);
  const isName = said.replace(/^: /, '').toLowerCase() === name?.toLowerCase();
  return `${status}${name === undefined ? '' : ` ${name}`} from ${provider}${isName ? '' : said}${request}`;
}

const labelOf = ({ provider, baseUrl }: Asked): string =>
  URL.canParse(baseUrl) ? new URL(baseUrl).host : provider;
