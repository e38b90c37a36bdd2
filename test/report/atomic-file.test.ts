import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { AtomicFile } from '../../src/report/atomic-file.ts';
import { syncFolder } from '../../src/system/files/sync-folder.ts';
import { FileWriteError } from '../../src/report/file-write-error.ts';
import { tempFolder } from './support/temp-folder.ts';

const windows = process.platform === 'win32' && 'needs POSIX';

test('appears under its name only when published', async (t) => {
  const folder = await tempFolder(t);
  const file = await AtomicFile.open(join(folder, 'a.json'));
  await file.write('one ');
  await file.write(Buffer.from('two '));
  await file.write('three');
  await file.seal();
  assert.deepEqual(await readdir(folder), ['a.json.part']);
  await file.publish();
  await syncFolder(folder);
  assert.deepEqual(await readdir(folder), ['a.json']);
  assert.equal(await readFile(file.path, 'utf8'), 'one two three');
});

test('keeps a character whole that lies across two buffers', async (t) => {
  const file = await AtomicFile.open(join(await tempFolder(t), 'a'));
  const text = `${'x'.repeat(65_535)}\u{1F600}`.repeat(3);
  for (let at = 0; at < 3; at++) await file.write(`${'x'.repeat(65_535)}\u{1F600}`);
  await file.seal();
  await file.publish();
  assert.equal(await readFile(file.path, 'utf8'), text);
});

test('reads back what was written, buffered text included', async (t) => {
  const file = await AtomicFile.open(join(await tempFolder(t), 'a'));
  await file.write('y'.repeat(200_000));
  await file.write('end');
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.read()) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), `${'y'.repeat(200_000)}end`);
  await file.discard();
});

test('a discarded file is gone, published or not, and may be discarded twice', async (t) => {
  const folder = await tempFolder(t);
  const unfinished = await AtomicFile.open(join(folder, 'a'));
  const published = await AtomicFile.open(join(folder, 'b'));
  await published.seal();
  await published.publish();
  for (const file of [unfinished, published, unfinished, published]) await file.discard();
  assert.deepEqual(await readdir(folder), []);
});

test('never takes away what another writer has put under its name since', async (t) => {
  const path = join(await tempFolder(t), 'a');
  const first = await AtomicFile.open(path);
  await first.discard();
  const second = await AtomicFile.open(path);
  await first.discard();
  await second.write('kept');
  await second.seal();
  await second.publish();
  assert.equal(await readFile(path, 'utf8'), 'kept');
});

test('refuses a name that another writer has open', async (t) => {
  const path = join(await tempFolder(t), 'a');
  const first = await AtomicFile.open(path);
  await assert.rejects(AtomicFile.open(path), { name: 'FileWriteError', code: 'EEXIST' });
  await first.discard();
});

test('never writes through a planted link', { skip: windows }, async (t) => {
  const folder = await tempFolder(t);
  const victim = join(folder, 'victim');
  await writeFile(victim, 'precious');
  await symlink(victim, join(folder, 'a.part'));
  await assert.rejects(AtomicFile.open(join(folder, 'a')), { code: 'EEXIST' });
  await symlink(victim, join(folder, 'b'));
  const file = await AtomicFile.open(join(folder, 'b'));
  await file.write('new');
  await file.seal();
  await file.publish();
  assert.equal(await readFile(victim, 'utf8'), 'precious');
  assert.equal(await readFile(join(folder, 'b'), 'utf8'), 'new');
});

test('changes the mode of no file that a link leads to', { skip: windows }, async (t) => {
  const folder = await tempFolder(t);
  const victim = join(folder, 'victim');
  await writeFile(victim, 'private', { mode: 0o600 });
  const file = await AtomicFile.open(join(folder, 'a'));
  const part = join(folder, 'a.part');
  await rm(part);
  await symlink(victim, part);
  await file.seal();
  await file.publish();
  assert.equal((await stat(victim)).mode & 0o777, 0o600);
});

test("follows the user's umask", { skip: windows }, async (t) => {
  const folder = await tempFolder(t);
  const before = process.umask(0o027);
  t.after(() => process.umask(before));
  const file = await AtomicFile.open(join(folder, 'a'));
  await file.seal();
  await file.publish();
  assert.equal((await stat(file.path)).mode & 0o777, 0o640);
});

test('an error names the file', async (t) => {
  const path = join(await tempFolder(t), 'a');
  const file = await AtomicFile.open(path);
  await file.seal();
  await mkdir(path);
  await assert.rejects(
    file.publish(),
    (error) => error instanceof FileWriteError && error.message.startsWith(`cannot write ${path}: `),
  );
  await file.discard();
});
