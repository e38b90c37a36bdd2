import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPaint } from '../../src/client/render/paint.ts';
import { terminalLines, terminalMessage, toOneLine } from '../../src/system/terminal-output.ts';

/** What a terminal acts on, what turns text around, and what nobody sees. */
const ACTIVE =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;

const ESCAPE = '\u001b';
const hostilePart = fc.constantFrom(
  ...['\u001b', '\u001b[31m', '\u001b]52;c;', '\u0007', '\u001b\\', '\u009b', '\u009d', '\u0090', '\u202e'],
  ...['\n', '\r', '\t', '\u2028', '\u0085', '\u200b', '\u{e0041}', '\ud800', '0;', 'm', 'x', ' ', '[2J'],
);
const hostileText = fc.array(hostilePart).map((parts) => parts.join(''));

test('no text becomes more than one line of plain text', () => {
  fc.assert(
    fc.property(fc.oneof(hostileText, fc.string({ unit: 'binary' })), (text) => {
      assert.doesNotMatch(toOneLine(text), ACTIVE);
    }),
    { numRuns: 2000 },
  );
});

test('of a line for the terminal only the colours of our own stay, and spaces', () => {
  const { red, bold } = createPaint(true);
  assert.deepEqual(
    terminalLines([`${red('a  b')}\u001b[2J`, `x\ny\u001b[5m${bold('z')}`]),
    `${red('a  b')}\nx y${bold('z')}`,
  );
  fc.assert(
    fc.property(hostileText, (text) => {
      const shown = terminalLines([red(`-${text}`), 'next']).replaceAll(
        new RegExp(`${ESCAPE}\\[(?:31|39)m`, 'g'),
        '',
      );
      assert.equal(shown.split('\n').length, 2);
      assert.doesNotMatch(shown.replace('\n', ''), ACTIVE);
    }),
  );
});

test('a colour in a foreign text ends with its line, and messages have none', () => {
  const { red } = createPaint(true);
  assert.deepEqual(
    terminalLines([`a ${ESCAPE}[1m${ESCAPE}[32mb`, red('c')]),
    `a ${ESCAPE}[1m${ESCAPE}[32mb${ESCAPE}[22m${ESCAPE}[39m\n${red('c')}`,
  );
  assert.equal(terminalMessage(`no batch "${ESCAPE}[1m${ESCAPE}[32ma"`), 'no batch "a"');
});

test('a line break in a message begins no message of its own', () => {
  assert.equal(
    terminalMessage('error: no batch "a\nerror: forged\r\n  indented\n\rb"'),
    'error: no batch "a\n  error: forged\n  indented\n   b"',
  );
});

test('nothing of the program but src/system/terminal-output.ts writes to a terminal', async () => {
  const source = join(import.meta.dirname, '../../src');
  const names = await readdir(source, { recursive: true });
  const found: string[] = [];
  for (const name of names.filter((each) => each.endsWith('.ts'))) {
    const text = await readFile(join(source, name), 'utf8');
    if (/\b(?:process\.)?(?:stdout|stderr)\.write\b|\bconsole\.\w|\bwriteSync\([12]\b/.test(text))
      found.push(name);
  }
  assert.deepEqual(found, [join('system', 'terminal-output.ts')]);
});
