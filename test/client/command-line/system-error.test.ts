import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemErrorText } from '../../../src/client/command-line/system-error.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('what the system refuses is told by its path, in words, with what to do', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'file');
  await writeFile(file, '');
  const cases: [act: () => Promise<unknown>, text: RegExp][] = [
    [
      () => mkdir(join(file, 'below'), { recursive: true }),
      /file.below cannot be made: .* a file where a folder/,
    ],
    [
      () => readdir(file),
      /file cannot be listed: it, or a part of its path, is a file .* \(ENOTDIR\)\. Put that right/,
    ],
    [
      () => readFile(join(folder, 'nowhere')),
      /nowhere cannot be opened: there is no such file or folder \(ENOENT\)/,
    ],
  ];
  for (const [act, text] of cases) {
    const error = await act().then(
      () => assert.fail('it was done'),
      (reason: unknown) => reason,
    );
    assert.match(systemErrorText(error) ?? '', text);
  }
});

test('any other error has its own words', () => {
  assert.equal(systemErrorText(new Error('x')), null);
  assert.equal(systemErrorText(Object.assign(new Error('x'), { code: 'ECONNREFUSED' })), null);
  assert.equal(systemErrorText('x'), null);
});
