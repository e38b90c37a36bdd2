import assert from 'node:assert/strict';
import { appendFile, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { BlockReader } from '../../../src/system/files/block-reader.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const SIZE = 3_000_000;
const content = Buffer.from(Uint32Array.from({ length: SIZE / 4 }, (_, i) => i * 2_654_435_761).buffer);

test('any pieces, in any order, are what the file holds there', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'a'), content);
  const reader = new BlockReader(folder);
  const piece = fc
    .tuple(fc.nat({ max: SIZE - 1 }), fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 200_000 })))
    .map(([offset, length]) => ({ offset, length: Math.max(1, Math.min(length, SIZE - offset)) }));
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 60 }), async (pieces) => {
      for (const { offset, length } of pieces) {
        const read = await reader.read('a', offset, length);
        assert.ok(read.equals(content.subarray(offset, offset + length)), `${offset} + ${length}`);
      }
    }),
    { numRuns: 30 },
  );
});

test('neighbours are read together, also where the file has grown since', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'a');
  await writeFile(file, content.subarray(0, 50_000));
  const handle = await open(file, 'r');
  const reads = t.mock.method(Object.getPrototypeOf(handle) as { read: () => unknown }, 'read');
  await handle.close();
  const reader = new BlockReader(folder);
  for (let at = 0; at < 50_000; at += 1000) await reader.read('a', at, 1000);
  assert.equal(reads.mock.callCount(), 1);
  const other = new BlockReader(folder);
  await Promise.all(Array.from({ length: 50 }, (_, at) => other.read('a', at * 1000, 1000)));
  assert.equal(reads.mock.callCount(), 2);
  await appendFile(file, content.subarray(50_000, 70_000));
  const across = await reader.read('a', 49_000, 20_000);
  assert.ok(across.equals(content.subarray(49_000, 69_000)));
});

test('a piece that is not there is an error, and what was forgotten is read anew', async (t) => {
  const folder = await temporaryFolder(t);
  const reader = new BlockReader(folder);
  await assert.rejects(reader.read('a', 0, 10), { code: 'ENOENT' });
  await writeFile(join(folder, 'a'), 'hello');
  await assert.rejects(reader.read('a', 0, 10), /became shorter/);
  assert.equal(String(await reader.read('a', 1, 3)), 'ell');
  reader.forget();
  await writeFile(join(folder, 'a'), 'HELLO');
  assert.equal(String(await reader.read('a', 1, 3)), 'ELL');
});

test('no more blocks stay in memory than it is told', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'a'), content);
  const handle = await open(join(folder, 'a'), 'r');
  const reads = t.mock.method(Object.getPrototypeOf(handle) as { read: () => unknown }, 'read');
  await handle.close();
  const reader = new BlockReader(folder, 2);
  for (const block of [0, 1, 0, 2, 0, 1]) await reader.read('a', block * 65_536, 10);
  assert.equal(reads.mock.callCount(), 4);
});
