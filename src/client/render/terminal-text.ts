import { HIDDEN, type TerminalText, toOneLine } from '../../system/terminal-output.ts';
import { textWidth } from './text-width.ts';

/**
 * Returns text from a prompts file, a server or a provider, safe to print on one line, blanks in a row as one; cut to
 * `maxLength` columns with an ellipsis.
 */
export function toTerminalText(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  // A hostile message may be huge: nobody reads more than the first part of it.
  const head = Number.isFinite(maxLength) ? text.slice(0, maxLength * 8 + 200) : text;
  return cutToWidth(toOneLine(head).replace(/\s+/g, ' ').trim(), maxLength);
}

const inEscapes = (character: string): string =>
  character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

/**
 * Returns what a model said, safe to print and otherwise as it came: all blanks and tabs stay, and what a terminal would act
 * on or not show is written as `\u001b`. Line breaks of any kind become LF, which is what a terminal shows as one.
 */
export const toTerminalBlock = (text: string): TerminalText =>
  text
    .replace(/\r\n?/g, '\n')
    .replace(HIDDEN, (hidden) => (hidden === '\n' || hidden === '\t' ? hidden : inEscapes(hidden)))
    .replace(/\p{Surrogate}/gu, '\ufffd') as TerminalText;

/** Returns a line of JSON, its meaning unchanged, without a character that a terminal acts on. */
export const toTerminalJson = (value: unknown): TerminalText =>
  JSON.stringify(value).replace(HIDDEN, inEscapes) as TerminalText;

/** Cuts plain text to a width in columns, with an ellipsis where something is missing. */
export function cutToWidth(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const character of text) {
    used += textWidth(character);
    if (used > width) break;
    kept += character;
  }
  return width < 1 ? '' : `${kept.trimEnd()}…`;
}
