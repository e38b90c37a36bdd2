import { commandLine, shellWord } from '../../core/command-line.ts';
import type { Provider } from '../../providers/catalog.ts';
import { failed, type Finding, ok, warning } from './finding.ts';

export interface KeyPlaces {
  provider: Provider;
  /** Name of the variable. */
  variable: string;
  /** Whether the provider is asked at its own address: others have other keys. */
  isOwnAddress: boolean;
  /** What the environment says; `undefined` where the variable is not set. */
  environment: string | undefined;
  /** What `.env` says. */
  dotEnv: string | undefined;
}

const PLACEHOLDER =
  /^(sk-)?(x{3,}|\*+|\.{2,}|…+|<.*>|your[-_ ].*|my[-_ ]?key|change[-_ ]?me|todo|none|test)$/i;
const SHORTEST_KEY = 20;

/** Whether there is a key, and whether it looks like one. Nothing of the key itself is ever in the answer. */
export function checkKey({ provider, variable, isOwnAddress, environment, dotEnv }: KeyPlaces): Finding {
  if (provider.name === 'simulated') return ok('none is needed: answers are made up on this machine');
  const raw = environment ?? dotEnv ?? '';
  const key = raw.trim();
  const place = environment === undefined ? 'in .env' : 'in the environment';
  const word = shellWord(variable, '<name>');
  const howToSet = `Set it: ${commandLine`export ${word}=…`} (PowerShell: $env:${variable} = '…'), or write ${variable}=… into a file .env in this folder.`;
  if (key === '') {
    if (environment !== undefined && dotEnv?.trim())
      return problem(
        provider,
        `${variable} is set to nothing in the environment, which hides the one in .env`,
        `Unset it: ${commandLine`unset ${word}`} (PowerShell: Remove-Item env:${variable}).`,
      );
    if (!provider.needsApiKey)
      return ok(`${variable} is not set; requests carry no key, as local servers like it`);
    return failed(
      `${variable} is not set`,
      `${howToSet} Without a key, --provider simulated tries everything and costs nothing.`,
    );
  }
  const flaw = flawOf(key, isOwnAddress && provider.needsApiKey);
  if (flaw !== null)
    return warning(`${variable} is set ${place}, but ${flaw}`, `Copy the key again. ${howToSet}`);
  if (environment !== undefined && dotEnv?.trim() && dotEnv.trim() !== key) {
    return warning(
      `${variable} is set in the environment, and differently in .env; the environment counts`,
      `Unset the one that is not meant, or name it otherwise and choose with --api-key-env.`,
    );
  }
  return ok(`${variable} is set ${place} and looks like a key`);
}

const problem = (provider: Provider, found: string, advice: string): Finding =>
  provider.needsApiKey ? failed(found, advice) : warning(found, advice);

/** What makes a text unlikely to be a key, in words that do not repeat it; `null` if nothing does. */
function flawOf(key: string, isUsual: boolean): string | null {
  if (/^bearer\s/i.test(key)) return 'begins with "Bearer": only what follows it is the key';
  if (/^["'`\u2018-\u201f]|["'`\u2018-\u201f]$/.test(key)) return 'has quotes in it';
  if (PLACEHOLDER.test(key)) return 'it is a placeholder, not a key';
  if (/\s/.test(key)) return 'has blanks or line breaks in it';
  if (!/^[\x21-\x7e]+$/.test(key)) return 'has characters in it that no header can carry';
  if (!isUsual) return null;
  if (!key.startsWith('sk-')) return 'does not begin with "sk-", as keys of this provider do';
  return key.length < SHORTEST_KEY ? 'is too short for a key: was it cut off?' : null;
}
