import assert from 'node:assert/strict';
import { link, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createWhole, readWhole } from '../../../src/system/files/create-whole.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const notOnWindows = { skip: process.platform === 'win32' && 'needs file modes of POSIX' };

/** As file systems without hard links answer. */
const noLinks = (code: string) => async (): Promise<void> => {
  throw Object.assign(new Error(`${code}: no hard links here`), { code });
};

const ways: [string, typeof link | undefined][] = [
  ['by a link', undefined],
  ...['EPERM', 'ENOTSUP', 'ENOSYS', 'EINVAL', 'EISDIR'].map((code): [string, typeof link] => [
    `where a link is answered with ${code}`,
    noLinks(code),
  ]),
];
for (const [title, linkFile] of ways) {
  test(`of many who create a file at once exactly one succeeds, ${title}`, async (t) => {
    const folder = await temporaryFolder(t);
    const file = join(folder, 'a.json');
    const texts = Array.from({ length: 20 }, (_, n) => String(n).repeat(1000));
    const created = await Promise.all(texts.map((text) => createWhole(file, text, { linkFile })));
    assert.deepEqual(created.filter(Boolean), [true]);
    assert.equal(await readWhole(file), texts[created.indexOf(true)]);
    assert.deepEqual(await readdir(folder), ['a.json'], 'no draft is left behind');
  });
}

test('a file and a folder of one name exclude each other', async (t) => {
  const folder = await temporaryFolder(t);
  const [file, asFolder] = [join(folder, 'file'), join(folder, 'folder')];
  assert.equal(await createWhole(file, 'one'), true);
  assert.equal(await createWhole(file, 'two', { linkFile: noLinks('EPERM') }), false);
  assert.equal(await createWhole(asFolder, 'one', { linkFile: noLinks('EPERM') }), true);
  assert.equal(await createWhole(asFolder, 'two'), false);
  assert.deepEqual([await readWhole(file), await readWhole(asFolder)], ['one', 'one']);
});

test('a link that was made and reported as refused counts as made', async (t) => {
  const file = join(await temporaryFolder(t), 'a.json');
  const linkTwice: typeof link = async (from, to) => {
    await link(from, to);
    await link(from, to);
  };
  assert.equal(await createWhole(file, 'text', { linkFile: linkTwice }), true);
  assert.equal(await readFile(file, 'utf8'), 'text');
});

for (const [title, linkFile] of ways.slice(0, 2)) {
  test(`is for its user only unless it is shared, ${title}`, notOnWindows, async (t) => {
    const folder = await temporaryFolder(t);
    const before = process.umask(0o027);
    t.after(() => process.umask(before));
    for (const isShared of [true, false]) {
      const file = join(folder, String(isShared));
      await createWhole(file, 'text', { isShared, linkFile });
      const found = await stat(file);
      const withFolder = found.isDirectory() ? [found, await stat(join(file, 'text'))] : [found];
      for (const { mode } of withFolder) {
        assert.equal(mode & 0o060, isShared ? 0o040 : 0);
        assert.equal(mode & 0o007, 0);
      }
      if (found.isDirectory()) assert.equal(found.mode & 0o110, isShared ? 0o110 : 0o100);
    }
  });
}

test('what cannot be created is an error, and no draft is left behind', async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(createWhole(join(folder, 'a.json'), 'text', { linkFile: noLinks('EIO') }), {
    code: 'EIO',
  });
  assert.deepEqual(await readdir(folder), []);
});

test('what is not there is told as that', async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(readWhole(join(folder, 'missing')), { code: 'ENOENT' });
  await mkdir(join(folder, 'empty'));
  await assert.rejects(readWhole(join(folder, 'empty')), { code: 'EISDIR' });
  await writeFile(join(folder, 'file'), 'text');
  await assert.rejects(readWhole(join(folder, 'file', 'below')), { code: 'ENOTDIR' });
});
