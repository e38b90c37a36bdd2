import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact, withoutKey } from '../../src/providers/redact.ts';

const KEY = 'recognisable+key/0123456789=_x';
const backwards = [...KEY].toReversed().join('');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const spaced = (text: string): string => text.replace(/.{5}/g, '$& ');

const forms: [string, string][] = [
  ['as it is', KEY],
  ['in an address', encodeURIComponent(KEY)],
  ['in an address, in small letters', encodeURIComponent(KEY).toLowerCase()],
  ['every character encoded', [...KEY].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('')],
  ['escaped as in JSON', [...KEY].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('')],
  ['with an escaped slash', KEY.replace('/', '\\/')],
  ['backwards', backwards],
  ['in hex', Buffer.from(KEY).toString('hex')],
  ['in hex, in capitals', Buffer.from(KEY).toString('hex').toUpperCase()],
  ['in base64', base64(KEY)],
  ['in base64 of addresses', Buffer.from(KEY).toString('base64url')],
  ['in base64 behind one byte', base64(`:${KEY}`)],
  ['in base64 behind two bytes', base64(`a:${KEY}`)],
  ['backwards in base64', base64(backwards)],
  ['split by blanks', spaced(KEY)],
  ['split by line breaks', KEY.replace(/.{7}/g, '$&\r\n')],
  ['a blank after each character', [...KEY].join(' ')],
  ['base64 split by blanks', spaced(base64(KEY))],
  ['joined by spaces of no width', [...KEY].join('\u200b')],
  ['with soft hyphens', [...KEY].join('\u00ad')],
  ['with joiners and marks of direction', [...KEY].join('\u200d\u200e')],
  ['with control characters', [...KEY].join('\u0001\u0007')],
  ['with colour codes', [...KEY].join('\u001b[m')],
  ['with many invisible characters each', [...KEY].join('\u200b'.repeat(9))],
  ['with variation selectors', [...KEY].join('\ufe0f\u{e0100}')],
  ['with variation selectors of Mongolian', [...KEY].join('\u180b\u180f')],
  ['with characters that are kept free to be invisible', [...KEY].join('\ufff0\u{e0fff}')],
  ['with fillers that look like nothing', [...KEY].join('\u3164\u2800\u034f')],
  ['with titles of windows', [...KEY].join('\u001b]0;x\u0007')],
  ['with links of terminals', [...KEY].join('\u001b]8;;http://a\u001b\\')],
  ['with device control strings', [...KEY].join('\u001bPq\u001b\\')],
  ['with sequences of one byte', [...KEY].join('\u009b1m\u009dx\u009c')],
  ['with character sets', [...KEY].join('\u001b(B\u001bc')],
  ['in the title of a window', `\u001b]0;${KEY}\u0007`],
  ['with longer escape sequences', [...KEY].join('\u001b[38;5;1m\u001b[0K')],
  ['hex in pairs', Buffer.from(KEY).toString('hex').replace(/../g, '$& ')],
];
for (const [title, form] of forms) {
  test(`a key ${title} is taken out of a text`, () => {
    const text = withoutKey(`before (${form}) after`, KEY);
    assert.match(text, /^before \(.*\[redacted\].*\) after$/s);
    const left = text.replaceAll('[redacted]', '');
    // Of base64, the ends carry a few bits of the key and nothing that can be read.
    assert.ok(left.length <= 'before () after'.length + 14, text);
  });
}

test('another spelling of the key is another text', () => {
  assert.equal(withoutKey('KEY-Abcdefgh', 'key-Abcdefgh'), 'KEY-Abcdefgh');
});

test('a text without the key stays as it is, also where it is long and nearly the key', () => {
  const text = `${KEY.slice(0, -1)} `.repeat(20_000);
  assert.equal(withoutKey(text, KEY), text);
});

test('hostile texts take no long time to look through', () => {
  for (const part of ['\u001b]', '\u001b[1', '\u200b', `${KEY.slice(0, -1)}\u200b`, ' ', '\u0090'])
    assert.doesNotMatch(withoutKey(part.repeat(1_000_000 / part.length), KEY), /redacted/);
});

test('only the key goes, and what is around it stays as it was', () => {
  const text = `a  b\u200b ${[...KEY].join(' \n')}\tc ${KEY} d`;
  assert.equal(withoutKey(text, KEY), 'a  b\u200b [redacted]\tc [redacted] d');
});

test('a placeholder of a local server is an ordinary word', () => {
  assert.equal(withoutKey('ollama runs here', 'ollama'), 'ollama runs here');
});

test('what looks like a key is taken out though nobody knows it', () => {
  assert.equal(redact('Bearer abc, sk-1234567', null), 'Bearer [redacted], [redacted]');
});
