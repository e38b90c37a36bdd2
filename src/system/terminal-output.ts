/**
 * The only way to a terminal. What servers, folders, providers and files hold may be written by anybody: an escape
 * sequence in it can fill the clipboard, retitle the window or hide a line, and a line break can forge one.
 */
import { stripVTControlCharacters } from 'node:util';

declare const terminalTextBrand: unique symbol;
/** Text in which nothing acts on a terminal but line breaks, tabs and the colours of `paint.ts`. */
export type TerminalText = string & { readonly [terminalTextBrand]: true };

const CONTROL = String.raw`\p{Cc}\p{Zl}\p{Zp}`;
/** Marks and overrides of the direction of text. */
const DIRECTION = String.raw`\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069`;
const ZERO_WIDTH = String.raw`\u00ad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}`;
/** Joiners shape emoji, and letters of scripts that are written joined; behind others they only hide. */
const IDLE_JOINER = String.raw`(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\p{M}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}])[\u200c\u200d]`;

/** What a terminal acts on, what turns text around, and what nobody sees. */
export const HIDDEN = new RegExp(`[${CONTROL}${DIRECTION}${ZERO_WIDTH}]|${IDLE_JOINER}`, 'gu');
const BREAKS = /\r\n|[\t\n\v\f\r\u0085\u2028\u2029]/g;

/** Returns text without anything a terminal acts on, on one line: line breaks and tabs become spaces. Other spaces stay. */
export const toOneLine = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(BREAKS, ' ')
    .replace(HIDDEN, '')
    .replace(/\p{Surrogate}/gu, '\ufffd');

// oxlint-disable-next-line no-control-regex
const PAINT = /(\u001b\[(?:1|2|22|31|32|33|39)m)/;
const [WEIGHT_END, COLOR_END] = ['\u001b[22m', '\u001b[39m'];

/**
 * Returns these lines for a terminal, each cleaned to one line in which only the colours of `paint.ts` stay. A colour that
 * is not ended (it came from a foreign text) ends with its line.
 */
export const terminalLines = (lines: readonly string[]): TerminalText =>
  lines
    .map((line) => {
      const parts = line.split(PAINT).map((part, at) => (at % 2 === 1 ? part : toOneLine(part)));
      return parts.join('') + endsOf(parts.filter((_, at) => at % 2 === 1));
    })
    .join('\n') as TerminalText;

/** What ends the colours that are on after these codes. */
function endsOf(codes: readonly string[]): string {
  let [weight, color] = ['', ''];
  for (const code of codes) {
    if (code === WEIGHT_END || /\[[12]m/.test(code)) weight = code === WEIGHT_END ? '' : WEIGHT_END;
    else color = code === COLOR_END ? '' : COLOR_END;
  }
  return weight + color;
}

/**
 * Returns a message for a terminal. Its first line stands alone at the margin: in what it quotes, no line break can
 * begin a message of its own. It has no colours.
 */
export const terminalMessage = (message: string): TerminalText =>
  message
    .split(/\r?\n/)
    .map((line, at) => (at === 0 || line === '' || line.startsWith(' ') ? line : `  ${line}`).trimEnd())
    .map(toOneLine)
    .join('\n') as TerminalText;

/** Puts texts one under the other. */
export const joinTerminal = (...texts: readonly TerminalText[]): TerminalText =>
  texts.join('\n') as TerminalText;

/** Writes text and a line break to standard output; without colours where it cannot show any. */
export function writeOut(text: TerminalText, color = false): void {
  process.stdout.write(
    `${
      color
        ? text
        : text
            .split(PAINT)
            .filter((_, at) => at % 2 === 0)
            .join('')
    }\n`,
  );
}

/** Writes text and a line break to standard error. */
export function writeError(text: TerminalText): void {
  process.stderr.write(`${text}\n`);
}

/** Writes a part of a live display. */
export const writeLive = (text: TerminalText): void => void process.stdout.write(text);

/** Calls back once what was written to standard output so far is out. */
export const afterOutput = (callback: () => void): void => void process.stdout.write('', callback);
