import { toTerminalText } from './terminal-text.ts';

/**
 * Returns an address for a person to open. Terminals make links of what looks like one: an address that is not http or
 * https is shown as what it is, quoted.
 */
export function toShownUrl(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:')
    return /^[!-~]+$/.test(address) ? address : url.href;
  return `no web address: ${JSON.stringify(toTerminalText(address, 200))}`;
}
