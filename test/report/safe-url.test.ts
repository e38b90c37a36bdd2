import assert from 'node:assert/strict';
import test from 'node:test';
import { toSafeUrl } from '../../src/report/safe-url.ts';

const rows: [string, string][] = [
  ['', ''],
  ['https://api.deepseek.com', 'https://api.deepseek.com'],
  ['http://127.0.0.1:8080/v1', 'http://127.0.0.1:8080/v1'],
  ['https://me:secret@llm.example/v1', 'https://llm.example/v1'],
  ['https://llm.example/v1?api-key=secret&v=2', 'https://llm.example/v1?api-key=hidden&v=hidden'],
];
for (const [address, shown] of rows)
  test(`shows ${address || 'no address'} as ${shown || 'nothing'}`, () => {
    assert.equal(toSafeUrl(address), shown);
  });
