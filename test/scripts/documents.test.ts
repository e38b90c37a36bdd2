import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createProgram } from '../../src/client/program.ts';
import { commandLines, inlineCode, userPages } from '../support/documents.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the pages for users', () => {
  test('README.md is short', () => {
    const { text } = userPages[0]!;
    const prose = text
      .replaceAll(/^```\w*\n[^]*?^```$/gm, '')
      .split('\n')
      .filter((line) => !line.startsWith('|'))
      .join(' ');
    assert.ok(text.split('\n').length <= 151, 'at most 150 lines');
    assert.ok(prose.split(/\s+/).length <= 1000, 'at most 1,000 words outside code and tables');
  });

  test('every page in docs is linked from README.md or ARCHITECTURE.md', () => {
    const texts = userPages[0]!.text + readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    assert.deepEqual(
      userPages.slice(1).filter(({ name }) => !texts.includes(name)),
      [],
    );
  });

  test('every file of the source that a page names exists', () => {
    const gone = userPages.flatMap(({ name, text }) =>
      [...text.matchAll(/\bsrc\/[\w./-]*\w/g)]
        .filter(([path]) => !existsSync(join(root, path)))
        .map(([path]) => `${name}: ${path}`),
    );
    assert.deepEqual(gone, []);
  });
});

const names = new Set(createProgram().commands.map((command) => command.name()));

/** The commands of ours in a line, each as its words. */
function ownCommands(line: string): string[][] {
  return line
    .split(/ && |\$\(|\)"| > | >> | 2>&1| \||; /)
    .map((part) => part.replaceAll(/^.*?\b(?=durabatch )/g, ''))
    .filter((part) => part.startsWith('durabatch '))
    .map((part) => part.replace(/ (&|#.*)$/, ''))
    .map((part) =>
      [...part.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '').slice(1),
    )
    .filter((words) => words.length > 0);
}

/** What is wrong with a command, by the definition of its command alone: nothing is run. */
function faultOf([name = '', ...words]: string[]): string | null {
  if (['--version', '--help'].includes(name)) return null;
  const command = createProgram().commands.find((each) => each.name() === name);
  if (command === undefined) return `there is no command ${name}`;
  let parsed;
  try {
    parsed = command.exitOverride().parseOptions(words);
  } catch (error) {
    return (error as Error).message;
  }
  if (parsed.unknown.length > 0) return `unknown: ${parsed.unknown.join(' ')}`;
  const least = command.registeredArguments.filter(({ required }) => required).length;
  const most = command.registeredArguments.some(({ variadic }) => variadic)
    ? Number.POSITIVE_INFINITY
    : command.registeredArguments.length;
  const given = parsed.operands.length;
  return given < least || given > most ? `${given} arguments` : null;
}

test('every command line in a code block has a command, arguments and flags that exist', () => {
  const lines = commandLines().flatMap(({ page, line }) =>
    ownCommands(line).map((words) => ({ page, line, fault: faultOf(words) })),
  );
  assert.ok(lines.length > 50, `${lines.length} command lines`);
  assert.deepEqual(
    lines.filter(({ fault }) => fault !== null),
    [],
  );
});

test('every command in a sentence or a table has arguments and flags that exist', () => {
  const commands = inlineCode()
    .map(({ page, code }) => ({ page, code, words: code.replace(/^(npx )?durabatch /, '').split(' ') }))
    // The name alone, or a flag alone, is no command line.
    .filter(({ words }) => names.has(words[0]!) && words.length > 1)
    // Headings and tables name what can be typed: `server <start|stop|status>`, `watch [id…]`.
    .filter(({ code }) => !code.includes('[id…]'))
    .map(({ page, code, words }) => ({ page, code, words, fault: faultOf(words) }));
  assert.ok(commands.length > 50, `${commands.length} commands`);
  // Of these the text tells what to add to a command that was typed before.
  const withoutArguments = /^(resume|run|set|cancel) --/;
  assert.deepEqual(
    commands.filter(
      ({ code, fault }) => fault !== null && !(fault === '0 arguments' && withoutArguments.test(code)),
    ),
    [],
  );
});

test('every flag in a sentence or a table is a flag of a command', () => {
  const known = new Set(
    createProgram().commands.flatMap((command) => command.options.map(({ long }) => long as string)),
  );
  const others = ['--debug', '--help', '--version', '--sqlite-pragma', '--files', '--prompts'];
  const foreign = inlineCode().flatMap(({ page, code }) =>
    [...code.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)]
      .map(([flag]) => flag)
      .filter((flag) => !known.has(flag) && !others.includes(flag) && !/^(docker|npm|git) /.test(code))
      .map((flag) => `${page}: ${code}: ${flag}`),
  );
  assert.deepEqual(foreign, []);
});
