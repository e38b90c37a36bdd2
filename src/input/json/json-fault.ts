import { jsonVerifier } from 'stream-json/utils/verifier.js';
import type { VerifierError } from 'stream-json/utils/verifier.js';
import { quoteText } from '../describe-value.ts';

/** Follows the end of a text, so that the tokenizer waits for nothing more; longer than it looks ahead. */
export const END_PADDING = ' '.repeat(32);

const EXTRA = 'something follows the end of the value';

/** Where JSON stops being JSON: `offset` in UTF-16 units from the start of the text. */
export interface JsonFault {
  offset: number;
  /** As the verifier words it, such as `expected ','`. */
  expected: string;
}

/** Checks a text piece by piece. After a fault it is of no more use. */
export function createJsonCheck(): (piece: string) => JsonFault | undefined {
  const verify = jsonVerifier();
  return (piece) => {
    try {
      verify(piece);
      return undefined;
    } catch (error) {
      if (!isVerifierError(error)) throw error;
      return {
        offset: error.offset,
        expected: error.message.replace(/^.*?Verifier (cannot parse input: |has )/, ''),
      };
    }
  };
}

/** Whether a text that ends with `rest`, at which the check failed, is the start of a valid one. */
export function isCutOff(rest: string): boolean {
  return (
    /^(?:\\(?:u[\da-f]{0,3})?)?$/i.test(rest) ||
    ['true', 'false', 'null'].some((word) => word.startsWith(rest))
  );
}

/** Says what is wrong; `near` is the text from the fault on, `isStart`: it is all of the text. */
export function describeFault(expected: string, near: string, isStart = false): string {
  const found = near.trimEnd();
  const wording = wordingOf(expected, found);
  const hint = hintFor(wording, found) || (isStart && !/^[[{]/.test(found) ? NO_JSON : '');
  return `not valid JSON: ${wording}, got ${quoteText(firstWord(found))}${hint}`;
}

const NO_JSON = ' (prompts are read from JSON or JSON Lines; CSV and plain text are not)';

function wordingOf(expected: string, found: string): string {
  if (expected === 'escaped characters') {
    return found.startsWith('\\')
      ? 'a text has an unknown escape'
      : 'a text has a raw line break or control character';
  }
  if (expected === 'unexpected characters') return EXTRA;
  if (expected === "unexpected token ']'") return 'expected a value';
  if (expected === "unexpected token '}'") return 'expected an object key';
  return expected;
}

function hintFor(wording: string, found: string): string {
  if (/^[\]}]/.test(found) && wording.startsWith('expected a')) return ' (a comma too many before it?)';
  if (found.startsWith("'")) return ' (JSON takes double quotes)';
  if (/^\/[/*]/.test(found)) return ' (JSON has no comments)';
  if (/^(NaN|Infinity|-Infinity|None|True|False)/.test(found)) return ' (JSON has no such value)';
  if (wording === EXTRA) return ' (a file with one item a line is named .jsonl)';
  return '';
}

function firstWord(text: string): string {
  return /^[\w.+-]+|^\\u?.?|^[^]/u.exec(text)?.[0] ?? '';
}

function isVerifierError(error: unknown): error is VerifierError {
  return error instanceof Error && 'offset' in error && typeof error.offset === 'number';
}
