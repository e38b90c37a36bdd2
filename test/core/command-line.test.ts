import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { commandLine, idWord, shellWord } from '../../src/core/command-line.ts';

const words: [text: string, onPosix: string, onWindows: string][] = [
  ['/out/a.jsonl', '/out/a.jsonl', '/out/a.jsonl'],
  ['http://127.0.0.1:8000/v1', 'http://127.0.0.1:8000/v1', 'http://127.0.0.1:8000/v1'],
  ['C:\\out\\a.jsonl', "'C:\\out\\a.jsonl'", 'C:\\out\\a.jsonl'],
  ['C:\\My Folder\\a.jsonl', "'C:\\My Folder\\a.jsonl'", '"C:\\My Folder\\a.jsonl"'],
  ['C:\\My Folder\\', "'C:\\My Folder\\'", '<x>'],
  ['/my out/f.jsonl', '"/my out/f.jsonl"', '"/my out/f.jsonl"'],
  ['/Zoë 日本', '"/Zoë 日本"', '"/Zoë 日本"'],
  ['$(touch x)', "'$(touch x)'", '<x>'],
  ['`touch x`', "'`touch x`'", '<x>'],
  ['a;b', "'a;b'", '<x>'],
  ['a&b', "'a&b'", '<x>'],
  ['%PATH%', "'%PATH%'", '<x>'],
  ['a!b', "'a!b'", '<x>'],
  ["it's", "'it'\\''s'", '<x>'],
  ['a"b', "'a\"b'", '<x>'],
  ['a\u201cb', "'a\u201cb'", '<x>'],
  ['a\u02bab', "'a\u02bab'", '<x>'],
  ['@last', '"@last"', '"@last"'],
  ['', "''", '<x>'],
  ['a\nb', '<x>', '<x>'],
  ['a\u001b[2Jb', '<x>', '<x>'],
  ['a\u202eb', '<x>', '<x>'],
  ['a\u200bb', '<x>', '<x>'],
];
for (const [text, onPosix, onWindows] of words)
  test(`${JSON.stringify(text)} is a word of a command`, () => {
    assert.equal(shellWord(text, '<x>', 'linux'), onPosix);
    assert.equal(shellWord(text, '<x>', 'win32'), onWindows);
  });

const withoutSh = process.platform === 'win32' && 'needs a POSIX shell';
test('a POSIX shell reads every word as the text it was made from', { skip: withoutSh }, () => {
  const text = fc
    .array(fc.constantFrom(...'ab1 $`"\'\\!;&|<>(){}[]*?~#%=@-_./:,+^é日'), { minLength: 1, maxLength: 12 })
    .map((characters) => characters.join(''));
  const texts = fc.sample(text, 500);
  const line = texts.map((each) => shellWord(each, '<x>', 'linux')).join(' ');
  const { stdout, status } = spawnSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' });
  assert.equal(status, 0);
  assert.deepEqual(stdout.split('\n').slice(0, -1), texts);
});

test('only the id of a batch stands in a command', () => {
  assert.equal(commandLine`durabatch resume ${idWord('a-0f3a9c21b7de')}`, 'durabatch resume a-0f3a9c21b7de');
  for (const id of ['$(x)', '-x', 'a b', 'a\n', 'ä', '.', '', 'x'.repeat(65)])
    assert.equal(idWord(id), '<id>');
});

const COMMANDS =
  'durabatch (run|resume|retry|status|watch|list|tail|pause|set|add|cancel|report|audit|worker|server|doctor|estimate|completion)';
/** A command for a shell in a template, with something put in behind it. Of \`export\`, the name may be put in too. */
const OFFERED = new RegExp(
  String.raw`(?:${COMMANDS}|\b(?:export|unset|chmod|temporal operator)) [^\`\n]*\$\{|\b[A-Z]+_[A-Z_]+=\$\{`,
);
/** What is reported, and not offered. */
const REPORTED = /^`DURABATCH_TEMPORAL_BIN=\$\{\}: expected/;

test('every command that is offered with something put into it is made of words for a shell', async () => {
  const source = join(import.meta.dirname, '../../src');
  const names = (await readdir(source, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const found: string[] = [];
  let offered = 0;
  for (const name of names) {
    const text = await readFile(join(source, name), 'utf8');
    for (const [template, tag] of templatesIn(text)) {
      if (!OFFERED.test(template)) continue;
      if (tag === 'commandLine') offered++;
      else if (!REPORTED.test(template)) found.push(`${name}: ${template}`);
    }
  }
  assert.deepEqual(found, []);
  assert.ok(offered > 10, `only ${offered} commands found`);
});

/** Templates with their tags, each as far as its own text goes: what is put in is left out, and comes by itself. */
function* templatesIn(text: string): Generator<[template: string, tag: string]> {
  const open: { tag: string; text: string; braces: number }[] = [];
  const code = text.replaceAll(/^\s*(?:\/\*\*|\*|\/\/).*$/gm, '');
  for (let at = 0; at < code.length; at++) {
    const inner = open.at(-1);
    const inTemplate = inner !== undefined && inner.braces === 0;
    if (inTemplate && code[at] === '\\') inner.text += code[at]! + code[++at];
    else if (inTemplate && code[at] === '`') yield [`\`${open.pop()!.text}\``, inner.tag];
    else if (inTemplate && code.startsWith('${', at)) {
      inner.text += '${}';
      inner.braces = 1;
      at++;
    } else if (inTemplate) inner.text += code[at];
    else if (code[at] === '`')
      open.push({ tag: /(\w*)$/.exec(code.slice(Math.max(0, at - 40), at))![1]!, text: '', braces: 0 });
    else if (inner && code[at] === '{') inner.braces++;
    else if (inner && code[at] === '}') inner.braces--;
    else if (code[at] === "'" || code[at] === '"') at = endOfString(code, at);
  }
}

/** Of a string, or of a quote in a regular expression, which ends with its line. */
function endOfString(code: string, from: number): number {
  for (let at = from + 1; at < code.length; at++) {
    if (code[at] === '\\') at++;
    else if (code[at] === code[from]) return at;
    else if (code[at] === '\n') return from;
  }
  return from;
}
