import * as z from 'zod';
import { redact } from './redact.ts';

const text = z.string().optional().catch(undefined);
const code = z.union([z.string(), z.number()]).nullish().catch(undefined);
const details = z.looseObject({ message: text, code, type: text, param: text.nullish() });

/** The shapes in which compatible providers say what is wrong: `error` as an object or a text, or bare. */
const errorBody = z.looseObject({
  error: z.union([details, z.string()]).nullish().catch(undefined),
  message: text,
  detail: z
    .union([z.string(), z.array(z.looseObject({ msg: z.string() }))])
    .optional()
    .catch(undefined),
  code,
  type: text,
});

export interface ProviderMessage {
  /** `''` where it said nothing. */
  message: string;
  /** Its codes and types, in lower case. */
  codes: string[];
  /** The request field it blames. */
  param: string | null;
}

/** Of what a provider says; a message is cut much shorter, and its markup must not take long to remove. */
const LONGEST_BODY = 64 * 1024;
const LONGEST_TEXT = 16 * 1024;

/**
 * What the beginning of an error's body says: JSON of any known shape, else its text without markup. It does not hold the
 * key: a part of it would be left where a text is cut before the key is looked for.
 */
export function parseProviderMessage(whole: string, apiKey: string | null): ProviderMessage {
  const body = redact(whole.slice(0, LONGEST_BODY + LONGEST_TEXT), apiKey).slice(0, LONGEST_BODY);
  const parsed = errorBody.safeParse(parseJson(body));
  if (!parsed.success) return { message: messageText(body, apiKey), codes: [], param: null };
  const { error, message, detail, code: outerCode, type } = parsed.data;
  const inner = typeof error === 'object' && error !== null ? error : {};
  const said =
    (typeof error === 'string' ? error : inner.message) ??
    message ??
    (Array.isArray(detail) ? detail.map(({ msg }) => msg).join('; ') : detail);
  return {
    message: messageText(said ?? (body.trim() === '{}' ? '' : body), apiKey),
    codes: [inner.code, inner.type, outerCode, type]
      .filter((value) => value !== undefined && value !== null)
      .map((value) => String(value).toLowerCase()),
    param: inner.param ?? null,
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // not every error is JSON: proxies send pages of HTML
  }
}

const PAGE = /^<(?:!doctype\s+html|html|head|body|title|h1|center)\b/i;

/** What may stand in front of a page: an XML declaration and comments. */
const PROLOGS = [
  ['<?', '?>'],
  ['<!--', '-->'],
] as const;

/** Whether what was said begins like a page of HTML. Read mark by mark: a hostile page could keep a pattern busy. */
function isPage(said: string): boolean {
  let rest = said.trimStart();
  for (;;) {
    const marks = PROLOGS.find(([start]) => rest.startsWith(start));
    if (marks === undefined) return PAGE.test(rest);
    const [start, end] = marks;
    const found = rest.indexOf(end, start.length);
    if (found === -1) return false;
    rest = rest.slice(found + end.length).trimStart();
  }
}

function messageText(said: string, apiKey: string | null): string {
  // What is cut holds no part of the key.
  const clean = redact(said, apiKey);
  const start = clean.slice(0, LONGEST_TEXT);
  return isPage(start) ? pageText(start, apiKey) : plainTextWithout(clean, apiKey);
}

const LONGEST_PAGE_TEXT = 200;

/**
 * What a page of HTML says, in one short sentence: its title, or else its heading, and its first paragraph. Title and heading
 * of a proxy's page say the same, and both begin with the status, which stands in front of the message anyway.
 */
function pageText(page: string, apiKey: string | null): string {
  const textOf = (element: string): string => {
    const found = new RegExp(`<${element}\\b[^<>]*>([^]*?)</${element}\\s*>`, 'i').exec(page)?.[1] ?? '';
    return plainTextWithout(found, apiKey).replace(/^(?:(?:http\s+)?error\s+)?[1-5]\d\d\b[\s.:|-]*/i, '');
  };
  const head = textOf('title') || textOf('h1');
  const paragraph = textOf('p');
  // A paragraph of a word or two is the name of the server.
  const isNew = paragraph.split(' ').length > 2 && !head.toLowerCase().includes(paragraph.toLowerCase());
  const said =
    [head, isNew ? paragraph : ''].filter((part) => part !== '').join(': ') || plainTextWithout(page, apiKey);
  const characters = [...said];
  return characters.length <= LONGEST_PAGE_TEXT
    ? said
    : `${characters.slice(0, LONGEST_PAGE_TEXT - 1).join('')}…`;
}

/** {@link plainText} without the key, also where markup splits it. */
export const plainTextWithout = (body: string, apiKey: string | null): string =>
  redact(plainText(redact(body, apiKey)), apiKey);

/** One line of text, without markup, control characters and halves of characters. */
export const plainText = (body: string): string =>
  body
    .slice(0, LONGEST_TEXT)
    .replace(/<(style|script)\b[\s\S]*?<\/\1\s*>/gi, ' ')
    .replace(/<[a-z!/?][^<>]*>/gi, ' ')
    // oxlint-disable-next-line no-control-regex -- a hostile provider must not write to the terminal
    .replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .trim();
