/** Keys shorter than this are placeholders of local servers (`none`, `ollama`), and ordinary words. */
const SHORTEST_SECRET = 8;

const REDACTED = '[redacted]';

/** Whether a key is more than a placeholder. */
export const isSecret = (apiKey: string): boolean => apiKey.length >= SHORTEST_SECRET;

/**
 * The text without this very key: as it is, in an address, in hex, in base64, backwards, and with anything in between that does not
 * show: blanks, invisible characters, escape sequences of terminals. Takes time linear in the length of the text.
 */
export function withoutKey(text: string, apiKey: string | null): string {
  if (apiKey === null || !isSecret(apiKey)) return text;
  const pattern = patternOf(apiKey);
  const clean = replaceThrough(INVISIBLE, text, pattern);
  return SEQUENCE_START.test(clean) ? replaceThrough(SEQUENCES, clean, pattern) : clean;
}

/** The empty braille pattern is the one that Unicode does not count as invisible. */
const INVISIBLE = /[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]+/gu;
// oxlint-disable-next-line no-control-regex
const SEQUENCE_START = /[\u001b\u0090\u009b\u009d]/;
/** The same, with whole escape sequences of terminals: what one holds may hold the key itself, and is looked through first. */
const SEQUENCES = new RegExp(
  [
    String.raw`(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]`,
    String.raw`(?:\u001b[\]PX^_]|[\u0090\u009d])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?`,
    String.raw`\u001b[ -/]*[0-~]`,
    INVISIBLE.source,
  ].join('|'),
  'gu',
);

/** Replaces what the pattern finds in the text without what `between` matches, together with all that is in between. */
function replaceThrough(between: RegExp, text: string, pattern: RegExp): string {
  const compact = text.replace(between, '');
  const found = [...compact.matchAll(pattern)];
  if (found.length === 0) return text;
  const places = placesOf(text, between, compact.length);
  let [clean, from] = ['', 0];
  for (const { index, 0: key } of found) {
    clean += text.slice(from, places[index]) + REDACTED;
    from = places[index + key.length - 1]! + 1;
  }
  return clean + text.slice(from);
}

/** Where each character of the text without what `between` matches is in the text. */
function placesOf(text: string, between: RegExp, length: number): Int32Array {
  const places = new Int32Array(length);
  let [count, from] = [0, 0];
  for (const { index, 0: gap } of [...text.matchAll(between), { index: text.length, 0: '' }]) {
    for (; from < index; from++) places[count++] = from;
    from = index + gap.length;
  }
  return places;
}

/** The text without this key, and without anything that looks like one: providers echo what they refuse. */
export const redact = (text: string, apiKey: string | null): string =>
  withoutKey(text, apiKey)
    .replace(/\bBearer\s+[^\s"',;]+/gi, `Bearer ${REDACTED}`)
    .replace(/\bsk-[\w*.-]{4,}/g, REDACTED);

/** Keys come one or two in a process, and each is looked for in every answer. */
const patterns = new Map<string, RegExp>();

function patternOf(apiKey: string): RegExp {
  const known = patterns.get(apiKey);
  if (known) return known;
  const pattern = new RegExp(
    [apiKey, [...apiKey].toReversed().join('')]
      .flatMap((key) => [
        [...key].map(oneCharacter).join(''),
        [...Buffer.from(key).toString('hex')].map((digit) => `[${digit}${digit.toUpperCase()}]`).join(''),
        ...base64Cores(key).map((core) => [...core].map(oneBase64Character).join('')),
      ])
      .join('|'),
    'gu',
  );
  patterns.set(apiKey, pattern);
  return pattern;
}

/** A character as it is, or as an address or JSON may write it. */
function oneCharacter(character: string): string {
  const plain = /[A-Za-z0-9]/.test(character) ? character : `\\u{${character.codePointAt(0)!.toString(16)}}`;
  const hex = character.charCodeAt(0).toString(16).padStart(2, '0');
  const encoded = [...hex].map((digit) => `[${digit}${digit.toUpperCase()}]`).join('');
  return `(?:${plain}|%${encoded}|\\\\u00${encoded}|\\\\${plain})`;
}

/** The usual alphabet, or that of addresses. */
const oneBase64Character = (character: string): string =>
  character === '+' || character === '-'
    ? '[+-]'
    : character === '/' || character === '_'
      ? '[/_]'
      : character;

/** What base64 makes of a key at each offset in a longer text, without the ends that its neighbours have a part in. */
function base64Cores(key: string): string[] {
  return [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), Buffer.from(key)]).toString('base64');
    const bits = (offset + key.length) * 8;
    return text.slice(Math.ceil((offset * 8) / 6), Math.floor(bits / 6));
  });
}
