import * as z from 'zod';
import { isPlainHost, toPlainAddress } from '../../providers/plain-address.ts';
import { toTerminalText } from '../render/terminal-text.ts';

/** Address of an API, http or https, in the spelling that a manifest has. An address that may hold a secret is never repeated. */
export const baseUrlValue = z.string().transform((text, context): string => {
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    const shown = JSON.stringify(toTerminalText(text.replace(/[^/@]*@/, '…@'), 80));
    return refuse(`must be an http or https address like http://127.0.0.1:8000/v1, got ${shown}`);
  }
  if (url.username !== '' || url.password !== '') {
    return refuse(
      'must not hold a user name or password: put the key in an environment variable and name it with --api-key-env',
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return refuse(
      `must start with http:// or https://, got ${JSON.stringify(toTerminalText(text.replace(/[?#].*/s, '…'), 80))}`,
    );
  }
  if (!isPlainHost(url.hostname)) {
    return refuse(
      `must name a host of letters, digits, ".", "_" and "-", got ${JSON.stringify(url.hostname)}`,
    );
  }
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(text)) {
    return refuse(
      'must not have a part after "?" or "#": give the address up to the version, like https://api.example.com/v1',
    );
  }
  if (/\/chat\/completions\/*$/.test(url.pathname)) {
    return refuse(
      'must end before /chat/completions, which is added: give the address up to the version, like https://api.example.com/v1',
    );
  }
  return toPlainAddress(url);
});
