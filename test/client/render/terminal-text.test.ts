import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutToWidth, toTerminalBlock, toTerminalText } from '../../../src/client/render/terminal-text.ts';
import { textWidth } from '../../../src/client/render/text-width.ts';

const hostile = [
  ['colours', '\u001b[31mred\u001b[0m', 'red'],
  ['a window title', '\u001b]0;owned\u0007title', 'title'],
  ['a link', '\u001b]8;;http://x\u0007text\u001b]8;;\u0007', 'text'],
  ['an escape left over', 'a\u001bb', 'ab'],
  ['8-bit control codes', 'a\u0085\u009bb', 'a b'],
  ['line breaks and tabs', 'one\r\n\ttwo\u2028three', 'one two three'],
  ['backspaces', 'ab\b\bc', 'abc'],
  ['NUL', 'a\0b', 'ab'],
  ['text turned around', 'a\u202egnp.exe\u202c', 'agnp.exe'],
  ['zero-width characters', 'a\u200b\u2060\u200d\u00ad\u{e0041}b', 'ab'],
  ['half a character', 'a\ud83d', 'a\ufffd'],
] as const;
for (const [title, text, clean] of hostile) {
  test(`text for the terminal is freed of ${title}`, () => {
    const shown = toTerminalText(text);
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(shown, /[\u0000-\u001f\u007f-\u009f]/);
    if (!text.includes('\u009b')) assert.equal(shown, clean);
  });
}

test('text for the terminal keeps what people write', () => {
  for (const text of ['Zoë 日本語 👍🏽 </script>', '👩‍👩‍👧 ❤️', 'می‌خواهم', 'क्‍ष'])
    assert.equal(toTerminalText(text), text);
});

test('text is cut to columns, not characters', () => {
  assert.equal(toTerminalText('日本語テキスト', 7), '日本語…');
  assert.equal(toTerminalText('exactly ten', 11), 'exactly ten');
  assert.equal(toTerminalText('one too many', 11), 'one too ma…');
  assert.equal(cutToWidth('abc', 0), '');
  assert.equal(textWidth(toTerminalText('x'.repeat(5_000_000), 40)), 40);
});

const code = 'def f():\n\tif x:\n\t    return  a   +  b\n\n  durabatch run x.json\u00a0| durabatch list';

test('what a model said keeps every word: what a terminal would act on is written out', () => {
  assert.equal(
    toTerminalBlock('a\u001b[31mred\u202e\u200b\u009b b\u{e0041}'),
    String.raw`a\u001b[31mred\u202e\u200b\u009b b\udb40\udc41`,
  );
});

test('a block of text keeps every blank, tab and line', () => {
  assert.equal(toTerminalBlock(code), code);
  assert.equal(toTerminalBlock('one\r\ntwo\rthree\n'), 'one\ntwo\nthree\n');
});

for (const [title, text] of hostile) {
  test(`a block of text is freed of ${title}`, () => {
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(toTerminalBlock(text), /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u202e\ud83d]/);
  });
}
