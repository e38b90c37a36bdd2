import assert from 'node:assert/strict';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { compileCacheFolder } from '../../../src/client/command-line/compile-cache.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folderIn = (home: string): string | null => compileCacheFolder({ DURABATCH_HOME: home });
const newHome = async (t: TestContext): Promise<string> => join(await temporaryFolder(t), 'home');

test('compiled code is kept in the state folder', async (t) => {
  const home = await newHome(t);
  assert.equal(folderIn(home), join(home, 'compile-cache'));
  assert.equal(folderIn(home), join(home, 'compile-cache'), 'again');
});

const untrusted: [title: string, prepare: (home: string) => Promise<unknown>][] = [
  ['a state folder that others can write', (home) => mkdir(home).then(() => chmod(home, 0o777))],
  [
    'a folder for it that others can write',
    (home) =>
      mkdir(join(home, 'compile-cache'), { recursive: true }).then(() =>
        chmod(join(home, 'compile-cache'), 0o770),
      ),
  ],
  [
    'a link in its place',
    async (home) => {
      await mkdir(join(home, 'elsewhere'), { recursive: true, mode: 0o700 });
      await symlink(join(home, 'elsewhere'), join(home, 'compile-cache'));
    },
  ],
  ['a file in the place of the state folder', (home) => writeFile(home, '')],
];
for (const [title, prepare] of untrusted) {
  test(`no code is kept or taken with ${title}`, async (t) => {
    const home = await newHome(t);
    await prepare(home);
    assert.equal(folderIn(home), null);
  });
}

test('no code is kept where the state folder is no local folder', () => {
  assert.equal(folderIn('s3://bucket/home'), null);
});
