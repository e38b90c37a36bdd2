/** Keys shorter than this are placeholders of local servers (`none`, `ollama`), and ordinary words. */
const SHORTEST_SECRET = 8;

const REDACTED = '[redacted]';

/** Whether a key is more than a placeholder. */
export const isSecret = (apiKey: string): boolean => apiKey.length >= SHORTEST_SECRET;

/** The text without this very key: as it is, in an address, in hex, in base64, backwards, or with blanks or characters that do not show in between. */
export function withoutKey(text: string, apiKey: string | null): string {
  if (apiKey === null || !isSecret(apiKey)) return text;
  return text.replace(patternOf(apiKey), REDACTED);
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
        spaced([...key].map(oneCharacter)),
        spaced([...Buffer.from(key).toString('hex')].map((digit) => `[${digit}${digit.toUpperCase()}]`)),
        ...base64Cores(key).map((core) => spaced([...core].map(oneBase64Character))),
      ])
      .join('|'),
    'gu',
  );
  patterns.set(apiKey, pattern);
  return pattern;
}

/** Blanks, and what the output cleaner removes: control and format characters, and escape sequences of terminals. */
const BETWEEN = String.raw`(?:\u001b\[[\d;?]{0,16}[@-~]|[\s\p{Cc}\p{Cf}\u2065])`;

/** At most a few of them between two: without a limit, a hostile text could take long to search. */
const spaced = (characters: readonly string[]): string => characters.join(`${BETWEEN}{0,4}`);

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
