import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { presentSize } from '../../../src/system/files/present-size.ts';
import {
  openRegular,
  openToAppend,
  readRegular,
  readRegularTextSync,
} from '../../../src/system/files/regular-file.ts';
import { appendControl } from '../../../src/store/controls-log.ts';
import { readWhole } from '../../../src/system/files/create-whole.ts';
import { linesOf } from '../../../src/system/files/lines.ts';
import { PromptsFile } from '../../../src/store/prompts/prompts-file.ts';
import { readWorkerRecords } from '../../../src/store/workers/worker-records.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const skip = process.platform === 'win32' && 'Windows has no such files';

const kinds: [string, (path: string, t: TestContext) => Promise<unknown>][] = [
  ['a FIFO', async (path) => execFileSync('mkfifo', [path])],
  ['a device', (path) => symlink('/dev/zero', path)],
  [
    'a socket',
    async (path, t) => {
      const server = createServer();
      await new Promise<void>((listening) => server.listen(path, listening));
      t.after(() => server.close());
    },
  ],
];

const note = { id: 'c', kind: 'pause', at: '', by: '', reason: null } as never;

/** Who reads or appends to a file that somebody else may have put there: the folder, the name of the file, the call. */
const readers: [string, string, (folder: string, path: string) => unknown][] = [
  ['openRegular', 'x', (_, path) => openRegular(path)],
  ['readRegular', 'x', (_, path) => readRegular(path)],
  ['readRegularTextSync', 'x', (_, path) => readRegularTextSync(path, 10)],
  ['openToAppend', 'x', (_, path) => openToAppend(path, 0o600)],
  ['the reader of revisions', 'x', (_, path) => readWhole(path)],
  ['the size of a ledger file', 'x', (_, path) => presentSize(path)],
  ['the reader of prompts', 'x', (_, path) => new PromptsFile(path, { firstIndex: 0 }).read(0)],
  ['the log of controls', 'controls.jsonl', (folder) => appendControl(folder, note)],
  ['the reader of worker records', 'workers/w-00000000.beats', (folder) => readWorkerRecords(folder)],
];
for (const [kind, make] of kinds) {
  for (const [reader, name, read] of readers) {
    test(`${reader} names ${kind}, and does not wait for it`, { skip }, async (t) => {
      const folder = await temporaryFolder(t);
      await mkdir(join(folder, 'workers'));
      const path = join(folder, name);
      await make(path, t);
      await assert.rejects(
        async () => read(folder, path),
        (error: NodeJS.ErrnoException) => {
          assert.ok(error.message.includes(path), error.message);
          assert.ok(/where a file was expected/.test(error.message) || error.code === 'ENXIO', error.message);
          return true;
        },
      );
    });
  }
}

test('a file that is too large to be read whole is named, not read', async (t) => {
  const path = join(await temporaryFolder(t), 'huge');
  await writeFile(path, '');
  await truncate(path, 2 ** 40);
  const message = new RegExp(`huge has ${2 ** 40} bytes, and no such file has more than`);
  await assert.rejects(readRegular(path), message);
  assert.throws(() => readRegularTextSync(path, 10), message);
});

test('a line without end is an error before memory runs out', async (t) => {
  const path = join(await temporaryFolder(t), 'endless.jsonl');
  await writeFile(path, '');
  await truncate(path, 2 ** 40);
  const file = await openRegular(path);
  t.after(() => file.close());
  await assert.rejects(
    linesOf(file, 0, 2 ** 40).next(),
    /a line of more than 268435456 bytes at byte 0: it is damaged/,
  );
});

test('lines longer than a chunk are read as they are', async (t) => {
  const path = join(await temporaryFolder(t), 'long.jsonl');
  const texts = ['a'.repeat(3_500_000), '', 'b', 'c'.repeat(2_200_000)];
  await writeFile(path, texts.join('\n'));
  const file = await openRegular(path);
  t.after(() => file.close());
  const found: string[] = [];
  for await (const lines of linesOf(file, 0, (await file.stat()).size))
    found.push(...lines.map(({ bytes }) => bytes.toString()));
  assert.deepEqual(found, texts);
});
