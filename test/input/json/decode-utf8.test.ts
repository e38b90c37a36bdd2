import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeUtf8 } from '../../../src/input/json/decode-utf8.ts';

async function* chunksOf(bytes: Buffer, size: number) {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function decode(bytes: Buffer, size: number): Promise<string> {
  let text = '';
  for await (const piece of decodeUtf8(chunksOf(bytes, size))) text += piece;
  return text;
}

test('characters survive wherever the bytes are cut', () =>
  fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 7 }), async (text, size) => {
      fc.pre(!/\p{Surrogate}/u.test(text) && !text.startsWith('\0') && text[1] !== '\0');
      assert.equal(await decode(Buffer.from(`\ufeff\ufeff${text}`), size), `\ufeff${text}`);
    }),
  ));

test('bytes that are not UTF-8 are refused wherever they are cut', () =>
  fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 7 }), async (text, size) => {
      const start = Buffer.from(`["${text.replaceAll('\0', '')}`);
      const at = new RegExp(`byte ${start.length}: the byte 0xFE `);
      await assert.rejects(decode(Buffer.concat([start, Buffer.from([0xfe]), Buffer.from('é"]')]), size), at);
    }),
  ));
