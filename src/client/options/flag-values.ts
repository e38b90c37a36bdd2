/** What the values of flags may be: zod schemas from the text typed to the value used. */
import * as z from 'zod';
import { nearestName } from '../../core/nearest-name.ts';
import { type BatchState, batchStates } from '../../core/progress.ts';
import { DEFAULT_CEILING, MAX_WORKERS, providerNames, type RunLimits } from '../../core/settings.ts';
import { whyNoLocalFolder } from '../../system/local-folder.ts';
import { toTerminalText } from '../render/terminal-text.ts';
import type { AllowedAddress } from '../trust/key-policy.ts';
import { baseUrlValue } from './base-url.ts';

/** Node's timers overflow at 2^31 ms (24.8 days) and would fire at once. */
const MAX_DURATION_MS = 24 * 24 * 3_600_000;
const MS_PER_UNIT: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, '': 1000 };
const DECIMAL = /^-?(\d+(\.\d*)?|\.\d+)$/;

const flagValue = <T>(expected: string, read: (text: string) => T | undefined) =>
  z.string().transform((text, context): T => {
    const value = read(text.trim());
    if (value !== undefined) return value;
    context.addIssue({
      code: 'custom',
      message: `must be ${expected}, got ${quoted(text)}${meantBy(text, read)}`,
    });
    return z.NEVER;
  });

/** What most likely was meant where commas stand in a number, or an equals sign before it. */
function meantBy(text: string, read: (text: string) => unknown): string {
  const plain = text.trim().replace(/^=/, '');
  const meant = [plain, plain.replace(/(?<=\d),(?=\d{3}\b)/g, ''), plain.replace(',', '.')].find(
    (each) => each !== text.trim() && read(each) !== undefined,
  );
  return meant === undefined ? '' : `; did you mean ${toTerminalText(meant, 80)}?`;
}

const quoted = (text: string): string => JSON.stringify(toTerminalText(text, 80));

const toNumber = (text: string): number | undefined => (DECIMAL.test(text) ? Number(text) : undefined);

/** Any text with something in it. */
export const textValue = flagValue('a text that is not empty', (text) =>
  text === '' || text.includes('\0') ? undefined : text,
);

/** A folder of this machine, as it was typed: what looks like a URL is none. */
export const folderValue = textValue.superRefine((folder, context) => {
  const message = whyNoLocalFolder(folder);
  if (message !== null) context.addIssue({ code: 'custom', message });
});

export const integerValue = (least: number, most: number = Number.MAX_SAFE_INTEGER) => {
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return flagValue(`a whole number ${range}`, (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : undefined;
    return value !== undefined && value >= least && value <= most ? value : undefined;
  });
};

/** Prompts in progress at once: a number, or `auto` and `auto:50` for as many as the provider takes, at most 50. */
export const maxWorkersValue = flagValue(
  `a whole number from 1 to ${MAX_WORKERS}, or "auto", or "auto:50" for at most 50`,
  (text): Pick<RunLimits, 'maxWorkers' | 'autoWorkers'> | undefined => {
    const [, auto, ceiling] = /^(auto:?)?(\d*)$/.exec(text) ?? [];
    if (auto === 'auto' && ceiling === '') return { maxWorkers: DEFAULT_CEILING, autoWorkers: true };
    const most = ceiling === '' || auto === 'auto' ? Number.NaN : Number(ceiling);
    return most >= 1 && most <= MAX_WORKERS
      ? { maxWorkers: most, autoWorkers: auto !== undefined }
      : undefined;
  },
);

export const temperatureValue = flagValue('a number from 0 to 2', (text) => {
  const value = toNumber(text);
  return value !== undefined && value >= 0 && value <= 2 ? value : undefined;
});

export const topPValue = flagValue('a number above 0, up to 1', (text) => {
  const value = toNumber(text);
  return value !== undefined && value > 0 && value <= 1 ? value : undefined;
});

/** A share as `0.05` or `5%`, to 0 … 1. */
export const shareValue = flagValue('a share from 0 to 1, or 0% to 100%', (text) => {
  const percent = text.endsWith('%');
  const number = toNumber(percent ? text.slice(0, -1).trim() : text);
  const share = number !== undefined && percent ? number / 100 : number;
  return share !== undefined && share >= 0 && share <= 1 ? share : undefined;
});

/** A count of failures as `20`, or a share of all prompts as `5%`. */
export const failureLimitValue = flagValue('a whole number, or a percentage like 5%', (text) => {
  if (/^\d+$/.test(text)) return { count: Number(text) };
  const percent = text.endsWith('%') ? toNumber(text.slice(0, -1).trim()) : undefined;
  return percent !== undefined && percent >= 0 && percent <= 100 ? { share: percent / 100 } : undefined;
});

const MAX_USD = 1_000_000;

/** US dollars as `5` or `0.25`, with or without `$`, to integer nano-USD. */
export const usdValue = flagValue(`an amount of US dollars above 0, at most ${MAX_USD}`, (text) => {
  const usd = toNumber(text.replace(/^\$\s*/, ''));
  return usd !== undefined && usd > 0 && usd <= MAX_USD ? Math.round(usd * 1_000_000_000) : undefined;
});

/** US dollars per million tokens; 0 for what costs nothing. */
export const priceValue = flagValue('a price of 0 or more, in US dollars per million tokens', (text) => {
  const usd = toNumber(text.replace(/^\$\s*/, ''));
  return usd !== undefined && usd >= 0 && usd <= MAX_USD ? usd : undefined;
});

/** A duration to milliseconds; a bare number counts seconds. */
export const durationValue = (leastMs: 0 | 1) => {
  const least = leastMs === 0 ? 'from 0' : 'above 0';
  return flagValue(`a duration like 500ms, 90s, 10m or 1h, ${least}, at most 576h`, (text) => {
    const [, number = '', unit = ''] = /^([\d.]+)\s*(ms|s|m|h|)$/.exec(text) ?? [];
    const ms = Math.round((toNumber(number) ?? Number.NaN) * (MS_PER_UNIT[unit] ?? Number.NaN));
    return ms >= leastMs && ms <= MAX_DURATION_MS ? ms : undefined;
  });
};

const MS_PER_AGE: Record<string, number> = { ...MS_PER_UNIT, d: 24 * 3_600_000, w: 7 * 24 * 3_600_000 };

/** How old something may be, to milliseconds; a bare number counts seconds. */
export const ageValue = flagValue('an age like 30d, 12h or 45m, above 0', (text) => {
  const [, number = '', unit = ''] = /^([\d.]+)\s*(ms|s|m|h|d|w|)$/.exec(text) ?? [];
  const ms = Math.round((toNumber(number) ?? Number.NaN) * (MS_PER_AGE[unit] ?? Number.NaN));
  return ms > 0 && ms <= Number.MAX_SAFE_INTEGER ? ms : undefined;
});

/** The name of an environment variable. What was typed is never repeated: it may be the key itself. */
export const variableNameValue = z
  .string()
  .trim()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    'must be the name of an environment variable like DEEPSEEK_API_KEY, not the key itself',
  );

export const providerValue = z.enum(providerNames, {
  error: ({ input }) => {
    const near = nearestName(String(input), providerNames);
    const meant =
      near === undefined ? 'for any other API, openai-compatible with --base-url' : `did you mean ${near}?`;
    return `must be one of ${providerNames.join(', ')}, got ${JSON.stringify(input)}; ${meant}`;
  },
});

export const accountNameValue = z
  .string()
  .trim()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@:-]{0,99}$/,
    'must be a name of 1 to 100 letters, digits, ".", "_", "-", "@" or ":", beginning with a letter or digit',
  );

const MAX_REASON_CHARACTERS = 500;

/** The reason given for a control. */
export const reasonValue = textValue.refine(
  (text) => text.length <= MAX_REASON_CHARACTERS,
  `must be at most ${MAX_REASON_CHARACTERS} characters long`,
);

/** An address, and after `=` a variable. A `=` of the address itself can only be in its path, where it can be written %3D. */
export const allowedAddressValue = z.string().transform((text, context): AllowedAddress => {
  const [, address = text, apiKeyEnv] = /^(.*)=([A-Za-z_][A-Za-z0-9_]*)$/.exec(text) ?? [];
  const parsed = baseUrlValue.safeParse(address);
  if (parsed.success) return { baseUrl: parsed.data, ...(apiKeyEnv !== undefined && { apiKeyEnv }) };
  for (const { message } of parsed.error.issues) context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/** `running,partly-failed` → states. */
export const statesValue = z.array(z.string()).transform((values, context) => {
  const found: BatchState[] = [];
  const names = values.flatMap((value) => value.split(',')).map((name) => name.trim());
  for (const name of names.filter((text) => text !== '')) {
    const state = batchStates.find((known) => known === name.toLowerCase().replaceAll(/[- ]/g, '_'));
    if (state) found.push(state);
    else
      context.addIssue({
        code: 'custom',
        message: `must be of ${batchStates.join(', ')}; got ${JSON.stringify(name)}`,
      });
  }
  return found;
});

/** Where `tail` begins. */
export const tailStartValue = z.enum(['start', 'now'], {
  error: ({ input }) => `must be start or now, got ${JSON.stringify(input)}`,
});
