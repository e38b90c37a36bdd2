/** Values, roughly, that a chat completion or a manifest may consist of: a text is one of them, however long it is. */
const MAX_VALUES = 1_000_000;
/** More than metadata may have, around which a manifest has its own. */
const DEEPEST = 200;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Whether JSON can be parsed without taking gigabytes and minutes, as 60 MB of `{},` or `[` do, and walked through without
 * the stack running full, as 20 KB of `[` do. Looks only at what separates values; whether the text is JSON at all is for
 * the parser to say.
 */
export function isModestJson(text: string): boolean {
  let values = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at + 1);
    else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth -= 1;
    else if (code === COMMA) values += 1;
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      values += 1;
      depth += 1;
    }
    if (values > MAX_VALUES || depth > DEEPEST) return false;
  }
  return true;
}

/** Position of the quote that ends the string; of the text's end where none does. */
function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) {
    at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  }
  return at;
}
