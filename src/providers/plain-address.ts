/** Addresses of APIs in the one spelling that batches have: what is shown is what is reached. */

/** After punycode. The URL standard lets through `$`, `'`, `(`, `;` and others, which no host has and shells act on. */
const HOST = /^[A-Za-z0-9._-]+$|^\[[A-Fa-f0-9:.]+\]$/;

/** Whether a host has only letters, digits, `.`, `_` and `-`, or is an IPv6 address. */
export const isPlainHost = (hostname: string): boolean => HOST.test(hostname);

/** An http or https URL as it is kept: ASCII, without a slash at its end. */
export const toPlainAddress = ({ href }: URL): string => href.replace(/\/+$/, '');

/**
 * Whether a text is an address in this spelling, with no user name, password, query or fragment. Other spellings of a URL
 * may look like an address that they do not reach: `https:evil/https://api.example.com`, letters of other scripts.
 */
export function isPlainAddress(text: string): boolean {
  if (!URL.canParse(text) || /[?#]/.test(text)) return false;
  const url = new URL(text);
  return (
    (url.protocol === 'http:' || url.protocol === 'https:') &&
    url.username === '' &&
    url.password === '' &&
    isPlainHost(url.hostname) &&
    toPlainAddress(url) === text
  );
}
