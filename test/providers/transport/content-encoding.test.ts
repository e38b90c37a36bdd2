import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { decodedBody, TooLongError } from '../../../src/providers/transport/content-encoding.ts';

const text = Buffer.from('{"choices": []}');
const MOST = 1000;

const good: [title: string, body: Uint8Array, encoding: string | null][] = [
  ['no encoding', text, null],
  ['identity', text, 'identity'],
  ['gzip', gzipSync(text), 'gzip'],
  ['x-gzip in capitals', gzipSync(text), 'X-GZIP'],
  ['deflate', deflateSync(text), 'deflate'],
  ['brotli', brotliCompressSync(text), 'br'],
  ['two layers, the last one outside', brotliCompressSync(gzipSync(text)), 'gzip, br'],
  ['an encoding nobody knows is taken as it is', text, 'rot13'],
  ['so is one that every object has a value for', text, 'constructor'],
];
for (const [title, body, encoding] of good) {
  test(title, async () => assert.deepEqual(Buffer.from(await decodedBody(body, encoding, MOST)), text));
}

test('a body that was cut off gives what is there', async () => {
  const long = Buffer.from(Array.from({ length: 20_000 }, (_, n) => n).join());
  const cut = gzipSync(long).subarray(0, 2000);
  const decoded = Buffer.from(await decodedBody(cut, 'gzip', 1e6)).toString();
  assert.ok(decoded.length > 100 && long.toString().startsWith(decoded));
});

test('a body longer than what is taken, and one that is not what it says, are errors', async () => {
  await assert.rejects(decodedBody(gzipSync(Buffer.alloc(MOST + 1)), 'gzip', MOST), TooLongError);
  await assert.rejects(decodedBody(text, 'gzip', MOST), /cannot be decoded \(gzip\)/);
  await assert.rejects(decodedBody(text, 'gzip, gzip, gzip, gzip, gzip, gzip', MOST), /6 content-encodings/);
});
