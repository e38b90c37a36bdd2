export type ValuePath = readonly PropertyKey[];

const SHOWN_CHARACTERS = 40;
/** What `JSON.stringify` leaves as it is although a terminal could act on it. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A found value as a message shows it: texts are quoted, escaped and cut at 40 characters. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'string') return quoteText(value);
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  return typeof value === 'object' && value !== null
    ? 'an object'
    : `${value as string | number | boolean | bigint | null | undefined}`;
}

export function quoteText(text: string): string {
  // Two UTF-16 units make a character at most: no need to take a long text apart.
  const start = [...text.slice(0, 2 * SHOWN_CHARACTERS + 2)];
  if (start.length <= SHOWN_CHARACTERS) return escapeText(text);
  return `${escapeText(`${start.slice(0, SHOWN_CHARACTERS).join('')}…`)} (${text.length} characters)`;
}

/** The field's name as a message shows it, such as `"messages[0].role"`; indices count from 0. */
export function describePath(path: ValuePath): string {
  return quoteText(
    path.reduce<string>((text, step) => {
      if (typeof step === 'number') return `${text}[${step}]`;
      return text === '' ? String(step) : `${text}.${String(step)}`;
    }, ''),
  );
}

export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 5).map(quoteText).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

function escapeText(text: string): string {
  return JSON.stringify(text).replace(
    invisible,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}
