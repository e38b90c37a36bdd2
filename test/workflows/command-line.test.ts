import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { commandLine, idWord, shellWord } from '../../src/workflows/command-line.ts';

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
