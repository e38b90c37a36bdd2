import { stripVTControlCharacters } from 'node:util';
import { textWidth } from './text-width.ts';

/** C0 and C1 controls, and the marks that turn the direction of text around. */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Text from a prompts file or a provider, made safe to print on one line; cut to `maxLength` columns with an ellipsis. */
export function toTerminalText(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  // A hostile message may be huge: nobody reads more than the first part of it.
  const head = Number.isFinite(maxLength) ? text.slice(0, maxLength * 8 + 200) : text;
  const clean = stripVTControlCharacters(head)
    .replace(/[\s\u2028\u2029]+/g, ' ')
    .replace(CONTROLS, '')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .trim();
  return cutToWidth(clean, maxLength);
}

/** Text of several lines, made safe to print: as {@link toTerminalText}, but its line breaks and indentation stay. */
export const toTerminalLines = (text: string): string => text.split(/\r?\n/).map(toTerminalLine).join('\n');

const toTerminalLine = (line: string): string => {
  const indentation = /^ */.exec(line)?.[0] ?? '';
  return indentation + toTerminalText(line);
};

/**
 * What a model said, made safe to print and otherwise as it came: all blanks and tabs stay. Line breaks of any kind
 * become LF, which is what a terminal shows as one.
 */
export const toTerminalBlock = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/\r\n?/g, '\n')
    .replace(CONTROLS, (control) => (control === '\n' || control === '\t' ? control : ''))
    .replace(/\p{Surrogate}/gu, '\ufffd');

/** A line of JSON, its meaning unchanged, without a character that a terminal acts on. */
export const toTerminalJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    CONTROLS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

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
